// The same bits: what the command needs for the same losses, and the hashes of the shaders.
import { call } from "./engine.js";
import { byId, element, show, tableRow } from "./dom.js";
import { WINDOW } from "./curves.js";

const SYNTHETIC_IMAGES = 60000;

// The command that gives the same losses for the first steps.
export function command({ images, settings: { model, batch_size: batch, learning_rate: rate, seed }, epochSteps, text, data, train }) {
  const isOwn = data === "own";
  const words = [`gpu-cnn train --adapter cpu --data ${isOwn ? "FOLDER" : "synthetic"} --epochs 1 --log-steps`];
  words.push(`--limit-batches ${Math.min(WINDOW, epochSteps)}`);
  const all = isOwn ? train : SYNTHETIC_IMAGES;
  if (images < all) words.push(`--validation ${all - images}`);
  const usual = { model: "cnn", "batch-size": 32, "learning-rate": 0.001, seed: 0 };
  const own = { model: text ? "model.toml" : model, "batch-size": batch, "learning-rate": rate, seed };
  for (const [name, value] of Object.entries(own)) if (value !== usual[name]) words.push(`--${name} ${value}`);
  return words.join(" ");
}

export function listFirst({ losses, epochSteps, isContinued }) {
  const list = byId("first-losses").querySelector("ol");
  if (isContinued) return;
  const end = Math.min(WINDOW, epochSteps, losses.length);
  for (let i = list.childElementCount; i < end; i++) list.append(element("li", {}, losses[i].toPrecision(8)));
}

export function clearFirst() {
  byId("first-losses").querySelector("ol").replaceChildren();
}

// What prints the same table of shaders.
function shadersCommand({ settings, text, image, classes }, profile) {
  const words = [`gpu-cnn summary --shaders ${profile} --model ${text ? "model.toml" : settings.model}`];
  if (settings.batch_size !== 32) words.push(`--batch-size ${settings.batch_size}`);
  if (String(image) !== "28,28,1") words.push(`--input-shape ${image.join(",")}`);
  if (classes.length !== 10) words.push(`--classes ${classes.length}`);
  return words.join(" ");
}

// `getRun` gives the run whose shaders they are.
export function createShaders(getRun) {
  const details = byId("shaders");
  let isListed = false;

  async function list() {
    isListed = true;
    try {
      const { head } = await call({ call: "shaders" });
      const run = getRun();
      show("shaders-command", head.command ?? shadersCommand(run, head.profile));
      byId("shaders-model").hidden = !run.text;
      const by = run.device === "cpu" ? "The CPU uses none: they are those by which an adapter would train it. " : "";
      show("shaders-profile", `${by}${head.shaders.length} shaders, tuned for the profile ${head.profile}.`);
      const rows = head.shaders.map(({ name, sha256 }) => tableRow(name, [element("code", {}, sha256)]));
      details.querySelector("tbody").replaceChildren(...rows);
    } catch (error) {
      show("shaders-profile", error.message);
    }
  }

  details.addEventListener("toggle", () => {
    if (details.open && !isListed) list();
  });
  // The model is another.
  return () => {
    isListed = false;
    if (details.open) list();
  };
}
