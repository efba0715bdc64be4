// The curves of loss and accuracy.
import { byId, mean, percent, show, svg } from "./dom.js";

// Steps of a mean.
export const WINDOW = 20;
const BOX = { left: 46, right: 412, top: 10, bottom: 172 };

// Draws the loss and the accuracy of a run.
export function drawCurves(run) {
  const { losses, accuracies, tests, epochs, epochSteps, before } = run;
  const steps = Math.max(losses.length, run.isRecorded ? 0 : before + epochs * epochSteps, 1);
  const x = (step) => BOX.left + ((BOX.right - BOX.left) * step) / steps;
  const highest = Math.max(2.5, ...smoothed(losses).map(([, loss]) => loss));
  curve("loss", losses, highest, x, steps, (value) => value.toFixed(1));
  const y = curve("accuracy", accuracies, 1, x, steps, (value) => `${Math.round(100 * value)} %`);
  const dots = tests.map(({ step, accuracy }) => svg("circle", { cx: x(step), cy: y(accuracy), r: 4, class: "f2" }));
  byId("accuracy").querySelector(".tests").replaceChildren(...dots);
  const last = (values) => mean(known(values.slice(-WINDOW)));
  if (losses.length) {
    show("loss-svg-desc", `After ${losses.length} steps the mean loss of the last ${WINDOW} is ${last(losses).toFixed(3)}.`);
    show("accuracy-svg-desc", `After ${losses.length} steps the accuracy of the last ${WINDOW} is ${percent(last(accuracies))}.`);
  }
}

function curve(id, values, highest, x, steps, label) {
  const figure = byId(id);
  const y = (value) => BOX.bottom - ((BOX.bottom - BOX.top) * Math.min(value, highest)) / highest;
  const [thin, thick] = figure.querySelectorAll("polyline");
  const points = (pairs) => pairs.filter(([, value]) => Number.isFinite(value)).map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const every = Math.ceil(values.length / 400);
  thin.setAttribute("points", points(values.map((value, i) => [i + 1, value]).filter((_, i) => i % every === 0)));
  thick.setAttribute("points", points(smoothed(values)));
  const axes = [];
  for (let i = 0; i <= 5; i++) {
    const value = (highest * i) / 5;
    axes.push(svg("line", { x1: BOX.left, x2: BOX.right, y1: y(value), y2: y(value), class: i ? "grid" : "rule" }));
    axes.push(svg("text", { x: BOX.left - 6, y: y(value) + 4, class: "end" }, label(value)));
  }
  for (const [share, where] of [[0, ""], [0.5, "middle"], [1, "end"]]) {
    axes.push(svg("text", { x: x(share * steps), y: BOX.bottom + 18, class: where }, String(Math.round(share * steps))));
  }
  axes.push(svg("text", { x: (BOX.left + BOX.right) / 4, y: BOX.bottom + 18, class: "middle" }, "step"));
  figure.querySelector(".axes").replaceChildren(...axes);
  return y;
}

// Runs may not say all their numbers.
export const known = (values) => values.filter(Number.isFinite);

// Means of up to WINDOW values, at up to 200 steps.
function smoothed(values) {
  const every = Math.ceil(values.length / 200);
  const steps = values.map((_, i) => i + 1).filter((step) => step % every === 0 || step === values.length);
  const means = steps.map((step) => [step, mean(known(values.slice(Math.max(0, step - WINDOW), step)))]);
  return means.filter(([, value]) => Number.isFinite(value));
}
