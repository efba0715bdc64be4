// The state of the training: what it does, on which device, how fast, how well.
import { byId, mean, percent, show, tableRow } from "./dom.js";
import { WINDOW, known } from "./curves.js";

const TILES = ["device", "speed", "other", "step", "loss-now", "accuracy-now", "test-accuracy"];

export function clearState() {
  for (const id of TILES) show(id, "–");
  byId("epochs").querySelector("tbody").replaceChildren();
  show("test-kind", "Test accuracy");
  show("run-status", "");
  byId("progress").value = 0;
}

export function say(run, text) {
  show("status", run.notice ? `${run.notice} ${text}` : text);
  const { isOver, isOn, hasFailed, isReady } = run;
  document.querySelector(".state").classList.toggle("failed", Boolean(hasFailed));
  show("pause", isOn && !isOver ? "Pause" : "Train on");
  byId("download").disabled = !isReady;
  byId("pause").disabled = !isReady || Boolean(hasFailed);
  byId("pause").hidden = Boolean(run.isLive);
}

const kindOf = ({ kind }) => (kind === "validation" ? kind : "test");

export function sayEpoch(run) {
  const name = run.name ? `${run.name}: ` : "";
  const of = `epoch ${Math.min(run.epochsOver + 1, run.epochs)} of ${run.epochs}`;
  const last = run.tests.at(-1);
  if (run.hasFailed) say(run, run.failure);
  else if (run.isRecorded) say(run, `${name}as it was trained. To train on changes it.`);
  else if (!run.isOver) say(run, `${name}${run.isOn ? "Training: " : "Paused in "}${of}`);
  else say(run, `${name}Finished: ${run.epochs === 1 ? "one epoch" : `${run.epochs} epochs`}${last ? `, ${kindOf(last)} accuracy ${percent(last.accuracy)}` : ""}`);
}

export function showSpeed(run) {
  const last = run.speeds.slice(-15).sort((a, b) => a - b);
  if (last.length) show("speed", speed(last[last.length >> 1], run.settings.batch_size));
}

const speed = (step, batch) => `${step.toFixed(step < 10 ? 2 : 1)} ms a step, ${Math.round((1000 * batch) / step)} images/s`;
const DEVICES = { cpu: "CPU", webgpu: "WebGPU" };

// The other device's figure, or why there is none.
export function showOther({ other, settings }) {
  const name = DEVICES[other.device] ?? other.device;
  show("other", other.ms === null ? `${name ? `${name}: ` : ""}${other.note}` : `${name}: ${speed(other.ms, settings.batch_size)}`);
}

export function showScores(run) {
  const { losses, accuracies, epochs, epochSteps, before } = run;
  const steps = before + run.steps;
  // Of what was recorded no more is to come.
  const all = Math.max(1, steps, run.isRecorded ? 0 : before + epochs * epochSteps);
  show("step", run.isRecorded ? String(steps) : `${steps} of ${all}`);
  byId("progress").value = run.isRecorded ? 1 : steps / all;
  const [loss, accuracy] = [losses, accuracies].map((values) => mean(known(values.slice(-WINDOW))));
  if (Number.isFinite(loss)) show("loss-now", loss.toFixed(4));
  if (Number.isFinite(accuracy)) show("accuracy-now", percent(accuracy));
}

// What was tested at a step, beside the means of the steps before it.
export function addEpoch(run, test) {
  const { losses, accuracies, epochSteps } = run;
  const { step, loss, accuracy } = test;
  const end = Math.min(step, losses.length);
  const means = [losses, accuracies].map((values) => mean(known(values.slice(Math.max(0, end - epochSteps), end))));
  const isOther = kindOf(test) !== "test";
  const epoch = String(new Set(run.tests.map((one) => one.step)).size);
  const own = [Number.isFinite(means[0]) ? means[0].toFixed(4) : "–", Number.isFinite(means[1]) ? percent(means[1]) : "–"];
  byId("epochs").querySelector("tbody").append(tableRow(isOther ? `${epoch}, ${kindOf(test)}` : epoch, [...own, loss.toFixed(4), percent(accuracy)]));
  show("test-kind", isOther ? "Validation accuracy" : "Test accuracy");
  show("test-accuracy", percent(accuracy));
}

// What the device is called.
export async function deviceName({ device, driver }) {
  if (device === "cpu") return `CPU, ${driver}`;
  if (device !== "webgpu") return driver ? `${device}, ${driver}` : device;
  const adapter = await navigator.gpu?.requestAdapter();
  const { vendor, architecture, description } = adapter?.info ?? {};
  const name = description || [vendor, architecture].filter(Boolean).join(" ");
  return name ? `WebGPU, ${name}` : "WebGPU";
}
