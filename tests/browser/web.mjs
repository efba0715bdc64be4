// Trains in the page that scripts/web builds: node web.mjs MODULES SCREENSHOTS|- ADDRESS RUNS COMMAND
// MODULES is the folder that scripts/browser prints, RUNS has the runs usual, slow and dnn of the same trainings by COMMAND, gpu-cnn, on the
// CPU.
// Prints figures and a line for each fault; the exit code is 1 where there is one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOOKS, listen, look, open } from "./look.mjs";

const TOLERANCE = 1e-6;
const [modules, screenshots, address, runs, command] = process.argv.slice(2);
const faults = [];
const { browser, axe } = await open(modules);
const folder = mkdtempSync(join(tmpdir(), "gpu-cnn-web-"));

const own = (url) => url.startsWith(address) || url.startsWith("blob:");
const state = (page) => page.evaluate(() => globalThis.gpuCnn());
const trained = (page, steps) => page.waitForFunction((steps) => globalThis.gpuCnn().losses.length >= steps, steps);

async function visit(where, settings, query = "", by = browser) {
  const context = await by.newContext({ ...settings, reducedMotion: "reduce", acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  listen(page, where, faults, own);
  await page.goto(address + query);
  return page;
}

// The losses of the first steps are those of the command's run, up to rounding.
function compare(run, found, steps) {
  const bytes = readFileSync(join(runs, run, "losses.f64"));
  const differences = found.slice(0, steps).map((loss, i) => Math.abs(loss - bytes.readDoubleLE(8 * i)));
  const most = Math.max(...differences);
  if (differences.length !== steps || !(most <= TOLERANCE)) faults.push(`${run}: losses differ from the command's by ${differences}`);
  console.log(`${run}: the losses of ${steps} steps differ from the command's by ${most.toExponential(1)} at most`);
}

// Losses are the command's, what is drawn is told apart, and the file opens.
async function use() {
  const fault = (text) => faults.push(`use: ${text}`);
  const page = await visit("use", LOOKS[2]);
  await trained(page, 40);
  const { firstStepMs, startMs, losses: found } = await state(page);
  // After these, rounding has grown: the command's own vector instructions then differ by 1e-4 from its plain code.
  compare("usual", found, 10);
  const listed = await page.locator("#first-losses li").allTextContents();
  if (listed.length !== 20 || listed[19] !== found[19].toPrecision(8)) fault(`listed are ${listed}`);
  console.log(`ready after ${Math.round(startMs)} ms, first step after ${Math.round(firstStepMs)} ms`);

  // A picture that is given, one by pointer, one by keys.
  const rows = page.locator("#probabilities tbody tr");
  const sum = async () => (await state(page)).probabilities && page.evaluate(() => globalThis.gpuCnn().probabilities.reduce((a, b) => a + b, 0));
  const changed = async (how, change) => {
    await page.evaluate(() => delete globalThis.gpuCnn().probabilities);
    await change();
    await page.waitForFunction(() => globalThis.gpuCnn().probabilities);
    const total = await sum();
    if (Math.abs(total - 1) > 1e-5 || (await rows.count()) !== 10) fault(`${how}: probabilities sum to ${total}`);
  };
  await page.waitForFunction(() => document.querySelectorAll("#samples button").length === 10);
  await changed("a sample", () => page.locator("#samples button").nth(3).click());
  await page.locator("#clear").click();
  if ((await page.locator("#answer").textContent()) !== "Nothing is drawn yet.") fault("clearing leaves an answer");
  await changed("the pointer", async () => {
    const box = await page.locator("#pad").boundingBox();
    const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(0.3, 0.2));
    await page.mouse.down();
    for (const place of [[0.3, 0.8], [0.7, 0.8], [0.7, 0.2], [0.3, 0.2]]) await page.mouse.move(...at(...place), { steps: 8 });
    await page.mouse.up();
  });
  await page.locator("#clear").click();
  await changed("the keyboard", async () => {
    await page.locator("#pad").focus();
    await page.keyboard.press("Space");
    for (let i = 0; i < 8; i++) await page.keyboard.press("Shift+ArrowDown");
  });
  const drawn = await page.evaluate(() => [...document.querySelector("#pad").getContext("2d").getImageData(14, 17, 1, 1).data]);
  if (drawn[0] < 100) fault(`the keyboard has drawn ${drawn}`);

  // Pausing holds the training.
  await page.locator("#pause").click();
  await page.waitForTimeout(500);
  const held = (await state(page)).losses.length;
  await page.waitForTimeout(500);
  if ((await state(page)).losses.length !== held) fault("it trains while it is paused");
  await page.locator("#pause").click();
  await trained(page, held + 1);

  await page.waitForFunction(() => globalThis.gpuCnn().isOver);
  const end = await state(page);
  const speeds = end.speeds.sort((a, b) => a - b);
  console.log(`${end.losses.length} steps, median ${speeds[speeds.length >> 1].toFixed(1)} ms a step; test accuracy ${end.tests.map(({ accuracy }) => accuracy)}`);
  const status = await page.locator("#status").textContent();
  if (!/^Finished: 10 epochs, test accuracy /.test(status)) fault(`the status is "${status}"`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
  const file = join(folder, "model.safetensors");
  await download.saveAs(file);
  const evaluation = JSON.parse(execFileSync(command, ["evaluate", file, "--data", "synthetic", "--adapter", "cpu", "--format", "json"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  const accuracy = evaluation.accuracy ?? evaluation.test?.accuracy;
  console.log(`${download.suggestedFilename()}: gpu-cnn evaluate says accuracy ${accuracy}`);
  if (!(Math.abs(accuracy - end.tests.at(-1).accuracy) < 0.05)) fault(`gpu-cnn evaluate says ${JSON.stringify(evaluation).slice(0, 200)}`);

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
  compare("slow", (await state(page)).losses, 20);
  await page.context().close();
}

// A small network by WebGPU, on the software adapter that Chromium has.
async function webGpu() {
  const { browser: other } = await open(modules, true);
  const page = await visit("WebGPU", LOOKS[2], "?model=dnn&adapter=webgpu&epochs=1&learning_rate=0.0001", other);
  await trained(page, 20);
  const device = await page.locator("#device").textContent();
  if (!device.startsWith("WebGPU")) faults.push(`WebGPU: the device is "${device}"`);
  compare("dnn", (await state(page)).losses, 20);
  await page.waitForFunction(() => globalThis.gpuCnn().isOver);
  const speeds = (await state(page)).speeds.sort((a, b) => a - b);
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
  if (screenshots !== "-") await page.screenshot({ path: join(screenshots, `web-${name}.png`), fullPage: true });
  await page.context().close();
}

const attempt = (name, part) => part.catch((error) => faults.push(`${name}: ${error}`));
await attempt("use", use());
await attempt("slow", slow());
await attempt("WebGPU", webGpu());
for (const settings of LOOKS) await attempt(JSON.stringify(settings), appear(settings));
await browser.close();
rmSync(folder, { recursive: true });
if (faults.length) console.log(faults.join("\n"));
process.exit(faults.length ? 1 : 0);
