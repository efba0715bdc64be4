// The page: starts the engine, lets it train, and shows what it answers.
import { call, isServed, warm } from "./engine.js";
import { byId, element, later, save, show, sleep } from "./dom.js";
import { drawCurves } from "./curves.js";
import { createEditor } from "./editor.js";
import { createFiles } from "./files.js";
import { chosen, isPreset, isValid, setUp, takeText, useData, useRun } from "./form.js";
import { createLayers } from "./layers.js";
import { listClasses, listSamples } from "./look.js";
import { createMistakes } from "./mistakes.js";
import { createPad } from "./pad.js";
import { made } from "./run.js";
import { clearFirst, command, createShaders, listFirst } from "./same.js";
import { addEpoch, clearState, deviceName, say, sayEpoch, showOther, showScores, showSpeed } from "./state.js";
import { train } from "./training.js";
import { createWalk } from "./walk.js";
import { createWatching } from "./watching.js";

let run = {};
// While a start is asked for, what trains before it is held.
let isStarting = false;
let lastStart = Promise.resolve();
const isCurrent = (mine) => mine === run;
const isHeld = () => isStarting;
const redraw = () => drawCurves(run);

const pad = createPad(() => listClasses(run.classes ?? []), () => watching.look());
const layers = createLayers((name, map, button) => openWalk(name, map, button));
const walk = createWalk(() => pad.picture(), (found) => { run.walk = found; });
const watching = createWatching({ current: () => run, isHeld, pad, layers, walk, failed });
const mistakes = createMistakes(() => run.image, (found) => { run.evaluation = found; });
const editor = createEditor((text) => begin({ text }), (found) => { run.described = found; });
const relistShaders = createShaders(() => run);
createFiles((load) => inTurn(() => goOn(load)), (data) => {
  useData(data);
  return begin();
}, () => run.image, (text) => editor.write(text));

// The page shows `mine` from here on.
function take(mine) {
  run = mine;
  walk.close();
  clearState();
  clearFirst();
  if (run.data !== "own") show("files-said", "");
  byId("first-losses").hidden = Boolean(run.isContinued);
  // What a run was trained on, the page does not know.
  byId("same-command").hidden = run.isContinued || run.data === "run";
  say(run, "Loading …");
  redraw();
}

// One start after the other.
function inTurn(starts) {
  const started = lastStart.then(starts);
  lastStart = started.catch(() => {});
  return started;
}

const begin = (options) => inTurn(() => start(options));

// Starts with the form's settings, or with a text in place of its model, or with the run of `gpu-cnn view`. Says whether it has.
async function start({ text, view } = {}) {
  if (text !== undefined) takeText(text);
  if (!view && !isValid()) return false;
  const mine = made(chosen());
  // What is there stays until the engine has another.
  if (run.isReady) show("status", "Loading …");
  else take(mine);
  isStarting = true;
  const { settings, images, data } = mine;
  const head = view ? { call: "start", run: true } : { call: "start", settings, images, data, ...(mine.text === null ? {} : { text: mine.text }) };
  let started;
  try {
    started = (await call(head)).head;
  } catch (error) {
    if (view || settings.adapter === "cpu") return stay(error);
    try {
      started = (await call({ ...head, settings: { ...settings, adapter: "cpu" } })).head;
      // Without WebGPU there was nothing to try.
      mine.notice = navigator.gpu || settings.adapter !== "auto" ? `The GPU could not be used: ${error.message}` : "";
    } catch (second) {
      return stay(second);
    }
  }
  isStarting = false;
  if (!isCurrent(mine)) take(mine);
  if (view) {
    if (!started.is_live) useRun(started);
    const text = isPreset(started.settings.model) ? null : started.text;
    Object.assign(mine, { settings: { ...settings, ...started.settings }, name: view.name, images: started.train, data: "run", text });
  }
  await adopt(mine, started);
  if (view) showRun(mine, view);
  go();
  return true;
}

// A start has failed: what there was before goes on.
function stay(error) {
  isStarting = false;
  if (run.isReady) {
    run.notice = `It could not start: ${error.message.replace(/\.?$/, ".")} The model from before is still here.`;
    go();
    watching.watch();
  } else {
    fail(run, error);
  }
  return false;
}

// A run with what it has behind it; one that is over is not changed unasked.
function showRun(mine, view) {
  mine.isRecorded = !mine.isLive;
  mine.isOn = mine.isLive;
  mine.before = Math.max(0, view.scores.length / 2 - mine.steps);
  takeScores(mine, view);
  byId("same-command").hidden = true;
  if (mine.isRecorded) began().then(watching.watch);
}

// Goes on from the model of a file, which `load` has the engine read.
async function goOn(load) {
  isStarting = true;
  let started;
  try {
    started = await load();
  } catch (error) {
    isStarting = false;
    if (run.isReady) go();
    throw error;
  }
  isStarting = false;
  const mine = made({ ...chosen(), data: run.data, isContinued: true });
  take(mine);
  Object.assign(mine, { settings: { ...mine.settings, ...started.settings }, text: started.text });
  await adopt(mine, started);
  go();
  return started;
}

async function adopt(mine, started) {
  const { device, image, classes, summary, train: count, steps_of_epoch: epochSteps, epochs, steps, is_live: isLive } = started;
  Object.assign(mine, { isReady: true, device, image, classes, summary, train: count, epochSteps, epochs, steps, isLive });
  mine.startMs = performance.now() - mine.begun;
  mine.epochsOver = Math.floor(steps / epochSteps);
  pad.resize(image);
  listClasses(classes);
  layers.build(summary);
  editor.set(started.text, summary);
  mistakes.clear();
  relistShaders();
  show("command", command(mine));
  show("open-command", `gpu-cnn evaluate model.safetensors --data ${started.data === "own" ? "FOLDER" : started.data}`);
  for (const id of ["train-section", "model-section", "mistakes-section", "files-section"]) byId(id).hidden = Boolean(isLive);
  show("lead-model", summary.layers.some(({ type }) => type.includes("Conv")) ? "A convolutional network" : "A network");
  show("guess", `Of ${classes.length} classes it begins near ln ${classes.length} = ${Math.log(classes.length).toFixed(1)}`);
  showScores(mine);
  redraw();
  show("device", await deviceName(started));
}

function go() {
  sayEpoch(run);
  train(run, { isCurrent, isHeld, took, began, watch: watching.watch, timed, failed: (error) => failed(run, error) });
}

function fail(mine, error) {
  mine.hasFailed = true;
  mine.failure = `${mine.isReady ? "The training has ended" : "It could not start"}: ${error.message}`;
  sayEpoch(mine);
}

// A device that is lost is left for the CPU, which goes on from the last copy of the training.
async function failed(mine, error) {
  if (mine.isMoving || mine.hasFailed) return;
  if (!error.isOfDevice || mine.device === "cpu" || mine.isLive) return fail(mine, error);
  mine.isMoving = true;
  say(mine, `The GPU has failed: ${error.message}`);
  try {
    const started = (await call({ call: "move_to_cpu" })).head;
    if (!isCurrent(mine)) return;
    const last = mine.before + started.steps;
    for (const scores of [mine.losses, mine.accuracies]) scores.length = Math.min(scores.length, last);
    mine.tests = mine.tests.filter(({ step }) => step <= last);
    const rows = byId("epochs").querySelector("tbody").rows;
    while (rows.length > mine.tests.length) rows[rows.length - 1].remove();
    Object.assign(mine, { speeds: [], isOver: false, notice: `The GPU has failed: ${error.message} It goes on on the CPU, from step ${started.steps}.` });
    Object.assign(mine, { device: started.device, steps: started.steps, epochsOver: Math.floor(started.steps / mine.epochSteps), isMoving: false });
    relistShaders();
    show("device", await deviceName(started));
    showScores(mine);
    redraw();
    // The loop that has failed ends first.
    while (mine.isLooping) await sleep(10);
    if (isCurrent(mine)) go();
  } catch (second) {
    fail(mine, second);
  }
}

function takeScores(mine, { scores = [], tests = [] }) {
  for (let i = 0; i + 1 < scores.length; i += 2) {
    mine.losses.push(scores[i] ?? NaN);
    mine.accuracies.push(scores[i + 1] ?? NaN);
  }
  for (const { steps, loss, accuracy, kind } of tests) {
    mine.tests.push({ step: steps, loss, accuracy, kind });
    addEpoch(mine, mine.tests.at(-1));
  }
  showScores(mine);
  listFirst(mine);
  later(redraw);
}

function took({ scores, steps, epoch, test, is_over: isOver, status }, ms) {
  const count = scores.length / 2;
  Object.assign(run, { steps, epochsOver: epoch, isOver });
  if (count) {
    run.firstStepMs ??= performance.now() - run.begun;
    // The first piece has what is done once.
    if (run.losses.length) run.speeds.push(ms / count);
  }
  takeScores(run, { scores, tests: test ? [{ ...test, steps: run.before + steps }] : [] });
  if (!run.isLive) showSpeed(run);
  if (test) mistakes.refresh();
  if (status) show("run-status", status);
  sayEpoch(run);
}

// After the first step there is time for what only has to be shown.
async function began() {
  const mine = run;
  try {
    const reply = await call({ call: "samples" });
    if (!isCurrent(mine)) return;
    const samples = listSamples(reply, pad.set);
    if (!pad.isDrawn() && samples.length) pad.set(samples.at(-1));
  } catch (error) {
    byId("samples").replaceChildren(error.message);
  }
  for (const { name } of mine.summary.layers) {
    if (isHeld()) await lastStart;
    if (!isCurrent(mine)) return;
    const reply = await call({ call: "layer", name }).catch(() => null);
    if (!isCurrent(mine)) return;
    if (reply?.head) layers.setArgs(name, reply.head.args);
  }
}

function openWalk(name, map, button) {
  if (!pad.isDrawn()) {
    show("answer", "Draw something first.");
    byId("pad").focus();
    return;
  }
  const after = layers.get(name).whole;
  walk.open(name, map, button, after).catch((error) => watching.lookFailed(run, error));
}

function timed(other) {
  run.other = other;
  showOther(run);
}

byId("pause").addEventListener("click", () => {
  if (run.isOver) Object.assign(run, { isOver: false, isOn: true, epochs: run.epochs + run.settings.epochs });
  else run.isOn = !run.isOn;
  run.isRecorded = false;
  go();
});
byId("download").addEventListener("click", async () => {
  try {
    const { head, bytes } = await call({ call: "download" });
    save(bytes, head.name);
  } catch (error) {
    say(run, `No file: ${error.message}`);
  }
});
setUp(() => {
  begin();
  byId("status").scrollIntoView({ block: "center" });
});
// What the page has measured, for tests, and its way to the engine.
globalThis.gpuCnn = Object.assign(() => run, { call });

async function open() {
  if (!isServed) return begin();
  take(made(chosen()));
  const { run: view, device_names: names = [] } = (await call({ call: "hello" })).head;
  for (const name of names) byId("settings").elements.adapter.append(element("option", { value: name }, name));
  return begin(view ? { view } : {});
}

if (typeof WebAssembly === "object" || isServed) {
  warm();
  open().catch((error) => fail(run, error));
}
