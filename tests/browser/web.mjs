// Trains in the page that scripts/web builds: node web.mjs MODULES SCREENSHOTS|- ADDRESS RUNS COMMAND [PART...]
// MODULES is the folder that scripts/browser prints, RUNS has the runs usual, slow and dnn of the same trainings by COMMAND, gpu-cnn, on the
// CPU. With parts, only these are tested: use, slow, maps, walk and so on.
// Prints figures and a line for each fault; the exit code is 1 where there is one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOOKS, look, open } from "./look.mjs";
import { looked, picture, state, stroke, text, trained, visit as visitOf } from "./web-visit.mjs";
import * as layers from "./web-layers.mjs";
import * as model from "./web-model.mjs";
import * as own from "./web-own.mjs";
import * as other from "./web-use.mjs";
import * as served from "./web-view.mjs";

const TOLERANCE = 1e-6;
const [modules, screenshots, address, runs, command, ...parts] = process.argv.slice(2);
const faults = [];
const { browser, axe } = await open(modules);
const folder = mkdtempSync(join(tmpdir(), "gpu-cnn-web-"));
const session = { modules, screenshots, address, runs, command, browser, axe, folder, faults, checkShaders };
const visit = (...rest) => visitOf(session, ...rest);
const SCORES = ["losses", "tests", "speeds", "firstStepMs", "startMs"];

// The losses of the first steps are those of the command's run, up to rounding.
function compare(run, found, steps) {
  const bytes = readFileSync(join(runs, run, "losses.f64"));
  const differences = found.slice(0, steps).map((loss, i) => Math.abs(loss - bytes.readDoubleLE(8 * i)));
  const most = Math.max(...differences);
  if (differences.length !== steps || !(most <= TOLERANCE)) faults.push(`${run}: losses differ from the command's by ${differences}`);
  console.log(`${run}: the losses of ${steps} steps differ from the command's by ${most.toExponential(1)} at most`);
}

// The table of shaders is what the command prints.
function checkShaders(line, rows, fault) {
  const printed = execFileSync(command, line.split(" ").slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  for (const [name, hash] of rows) if (!printed.split("\n").some((line) => line.includes(name) && line.includes(hash))) fault(`the command prints no ${name} ${hash}`);
}

// Losses are the command's, what is drawn is told apart, and the file opens.
async function use() {
  const fault = (message) => faults.push(`use: ${message}`);
  const page = await visit("use", LOOKS[2]);
  await trained(page, 40);
  const { firstStepMs, startMs, losses: found } = await state(page, SCORES);
  // After these, rounding has grown: the command's own vector instructions then differ by 1e-4 from its plain code.
  compare("usual", found, 10);
  const listed = await page.locator("#first-losses li").allTextContents();
  if (listed.length !== 20 || listed[19] !== found[19].toPrecision(8)) fault(`listed are ${listed}`);
  console.log(`ready after ${Math.round(startMs)} ms, first step after ${Math.round(firstStepMs)} ms`);
  await page.waitForFunction(() => document.querySelector("#other").textContent !== "–");
  console.log(`the other device: ${await text(page, "#other")}`);

  // A picture that is given, one by pointer, one by keys.
  const rows = page.locator("#probabilities tbody tr");
  const changed = async (how, change) => {
    await looked(page, change);
    const total = (await state(page, ["probabilities"])).probabilities.reduce((a, b) => a + b, 0);
    if (Math.abs(total - 1) > 1e-5 || (await rows.count()) !== 10) fault(`${how}: probabilities sum to ${total}`);
  };
  await page.waitForFunction(() => document.querySelectorAll("#samples button").length === 10);
  await changed("a sample", () => page.locator("#samples button").nth(3).click());
  await page.locator("#clear").click();
  if ((await text(page, "#answer")) !== "Nothing is drawn yet.") fault("clearing leaves an answer");
  await changed("the pointer", () => stroke(page, [[0.3, 0.2], [0.3, 0.8], [0.7, 0.8], [0.7, 0.2], [0.3, 0.2]]));
  await page.locator("#clear").click();
  await changed("the keyboard", async () => {
    await page.locator("#pad").focus();
    await page.keyboard.press("Space");
    for (let i = 0; i < 8; i++) await page.keyboard.press("Shift+ArrowDown");
  });
  const drawn = await page.evaluate(() => [...document.querySelector("#pad").getContext("2d").getImageData(140, 175, 1, 1).data]);
  if (drawn[0] < 100) fault(`the keyboard has drawn ${drawn}`);

  // Pausing holds the training.
  const steps = async () => (await state(page, ["losses"])).losses.length;
  await page.locator("#pause").click();
  await page.waitForTimeout(500);
  const held = await steps();
  await page.waitForTimeout(500);
  if ((await steps()) !== held) fault("it trains while it is paused");
  await page.locator("#pause").click();
  await trained(page, held + 1);

  await page.waitForFunction(() => globalThis.gpuCnn().isOver);
  const end = await state(page, SCORES);
  const speeds = end.speeds.sort((a, b) => a - b);
  console.log(`${end.losses.length} steps, median ${speeds[speeds.length >> 1].toFixed(1)} ms a step; test accuracy ${end.tests.map(({ accuracy }) => accuracy)}`);
  const status = await text(page, "#status");
  if (!/^Finished: 10 epochs, test accuracy /.test(status)) fault(`the status is "${status}"`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
  const file = join(folder, "model.safetensors");
  await download.saveAs(file);
  const words = ["evaluate", file, "--data", "synthetic", "--adapter", "cpu", "--format", "json"];
  const evaluation = JSON.parse(execFileSync(command, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  const accuracy = evaluation.accuracy ?? evaluation.test?.accuracy;
  console.log(`${download.suggestedFilename()}: gpu-cnn evaluate says accuracy ${accuracy}`);
  if (!(Math.abs(accuracy - end.tests.at(-1).accuracy) < 0.05)) fault(`gpu-cnn evaluate says ${JSON.stringify(evaluation).slice(0, 200)}`);
  // It trains on, as many epochs again.
  await page.locator("#pause").click();
  await trained(page, end.losses.length + 1);

  // Another network, from the form.
  await page.locator("[name=model]").selectOption("dnn");
  await page.locator("[name=epochs]").fill("1");
  await page.locator("#settings button").click();
  await page.waitForFunction(() => globalThis.gpuCnn().settings.model === "dnn" && globalThis.gpuCnn().isOver);
  await page.context().close();
}

// With small steps rounding does not grow.
async function slow() {
  const page = await visit("slow", LOOKS[0], "?learning_rate=0.0001");
  await trained(page, 20);
  compare("slow", (await state(page, SCORES)).losses, 20);
  await page.context().close();
}

// A small network by WebGPU, on the software adapter that Chromium has.
async function webGpu() {
  const { browser: other } = await open(modules, true);
  const page = await visit("WebGPU", LOOKS[2], "?model=dnn&adapter=webgpu&epochs=1&learning_rate=0.0001", other);
  await trained(page, 20);
  const device = await text(page, "#device");
  if (!device.startsWith("WebGPU")) faults.push(`WebGPU: the device is "${device}"`);
  compare("dnn", (await state(page, SCORES)).losses, 20);
  await page.waitForFunction(() => globalThis.gpuCnn().isOver);
  const speeds = (await state(page, SCORES)).speeds.sort((a, b) => a - b);
  console.log(`${device}: median ${speeds[speeds.length >> 1].toFixed(1)} ms a step of the dnn`);
  await other.close();
}

// At phone and desk width, light and dark.
async function appear(settings) {
  const { viewport: { width }, colorScheme } = settings;
  const name = `${width}-${colorScheme}`;
  const page = await visit(name, settings);
  await page.waitForFunction(() => globalThis.gpuCnn().tests.length >= 4 && globalThis.gpuCnn().probabilities);
  await page.locator("#pause").click();
  await page.waitForTimeout(400);
  faults.push(...(await look(page, axe)).map((text) => `${name}: ${text}`));
  await picture(session, page, name);
  await page.context().close();
}

const all = { use, slow, webGpu, ...layers, ...model, ...own, ...other, ...served };
for (const settings of LOOKS) all[`appear-${settings.viewport.width}-${settings.colorScheme}`] = () => appear(settings);
for (const [name, part] of Object.entries(all)) {
  if (parts.length === 0 || parts.includes(name)) await part(session).catch((error) => faults.push(`${name}: ${error.stack}`));
}
await browser.close();
rmSync(folder, { recursive: true });
if (faults.length) console.log(faults.join("\n"));
process.exit(faults.length ? 1 : 0);
