// Times training in headless Chromium, by the page's engine and by TensorFlow.js in turn. README.md says how to run it.
import { execFileSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { open as openBrowser } from "../../tests/browser/look.mjs";
import { serve } from "./serve.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string", default: "dnn,cnn" },
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    slow: { type: "boolean", default: false },
  },
});
if (positionals.length !== 2) throw new Error("node benches/browser/run.mjs FOLDER target/web [options]");
const [tfjs, web] = positionals.map((path) => resolve(path));

// What takes minutes to start, `slow`, is left out unless it is asked for.
const FRAMEWORKS = [
  { name: "gpu-cnn, WebAssembly", tab: "ours-cpu", framework: "ours", backend: "cpu" },
  { name: "gpu-cnn, WebGPU", tab: "ours-webgpu", framework: "ours", backend: "webgpu", slow: ["cnn"] },
  { name: "TensorFlow.js, wasm", tab: "tfjs-wasm", framework: "tfjs", backend: "wasm" },
  { name: "TensorFlow.js, wasm with threads", tab: "isolated-tfjs-wasm", framework: "tfjs", backend: "wasm" },
  { name: "TensorFlow.js, WebGPU", tab: "tfjs-webgpu", framework: "tfjs", backend: "webgpu" },
  { name: "TensorFlow.js, cpu", tab: "tfjs-cpu", framework: "tfjs", backend: "cpu" },
].filter(({ tab }) => !options.only || options.only.split(",").includes(tab));
const OPENINGS = 3;
// What takes longer is opened once and needs no warming up.
const SLOW_OPENING_MS = 3000;
// What has trained for longer is left out of further rounds.
const ENOUGH_MS = 15_000;

const modules = execFileSync(join(root, "scripts/browser"), { encoding: "utf8" }).trim();
const server = await serve({ bench: here, tfjs: join(tfjs, "node_modules/@tensorflow"), web });
const { browser } = await openBrowser(modules, true);

// A new tab, without what others have cached.
async function open({ tab, framework, backend }, model) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${server.address}/${tab}/bench/page.html?${new URLSearchParams({ framework, backend, model })}`);
  return page;
}

// What the function gives in the tab of `run`; the message of its error is kept.
async function ask(run, ...question) {
  try {
    return await run.page.evaluate(...question);
  } catch (error) {
    run.error = `cannot: ${error.message.replace(/^page.evaluate: (Error: )?/, "").split("\n")[0]}`;
  }
}

async function openInTurn(runs, model) {
  for (let i = 0; i < OPENINGS; i++) {
    for (const run of runs) {
      if (run.error || isSlow(run)) continue;
      await run.page?.context().close();
      run.page = await open(run, model);
      run.openings.push(await ask(run, async () => (await globalThis.opened).firstResultsMs));
    }
  }
}

// In turn, so that a slow phase of the machine affects all.
async function train(runs) {
  for (let round = 0; round <= options.rounds; round++) {
    for (const run of round % 2 ? runs : runs.toReversed()) {
      const isWarmUp = round === 0;
      const isDone = isWarmUp ? isSlow(run) : sum(run.results.map(({ ms }) => ms)) > ENOUGH_MS;
      if (run.error || isDone) continue;
      const result = await ask(run, async (ms) => (await globalThis.opened).train(ms), 1000 * options.seconds);
      if (!isWarmUp) run.results.push(result);
    }
  }
}

function row({ name, tab, openings, results, error }, model) {
  const cells = [model, name];
  if (error) return [...cells, error, "", "", "", "", ""];
  const times = results.map(({ ms, steps }) => ms / steps);
  return [
    ...cells,
    digits(median(times)),
    `${digits(Math.min(...times))} to ${digits(Math.max(...times))}`,
    sum(results.map(({ steps }) => steps)),
    results.at(-1).loss.toFixed(2),
    (median(openings) / 1000).toFixed(2),
    Math.round(server.bytes(tab) / 1000),
  ];
}

const isSlow = ({ openings }) => openings[0] > SLOW_OPENING_MS;
const sum = (values) => values.reduce((a, b) => a + b, 0);
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const digits = (value) => (value < 100 ? value.toPrecision(3) : Math.round(value));

const rows = [["model", "by", "ms a step", "rounds", "steps", "loss", "first results, s", "KB gzipped"], Array(8).fill("---")];
for (const model of options.models.split(",")) {
  const runs = FRAMEWORKS.map((framework) => ({ ...framework, openings: [], results: [] }));
  for (const run of runs) if (!options.slow && run.slow?.includes(model)) run.error = "left out: takes minutes to start (--slow)";
  await openInTurn(runs, model);
  await train(runs);
  rows.push(...runs.map((run) => row(run, model)));
  for (const { page } of runs) await page?.context().close();
}
console.log(rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n"));
await browser.close();
server.close();
