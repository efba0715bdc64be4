// The form of the settings.
import { byId, element } from "./dom.js";

const SYNTHETIC_IMAGES = 60000;
const form = byId("settings");
const { model, data, images } = form.elements;
let preset = model.value;
let edited = null;
let own = null;

// What the form says. An edited model has a text, and counts as the preset that was chosen last.
export function chosen() {
  const fields = Object.fromEntries(new FormData(form));
  const numbers = ["epochs", "batch_size", "learning_rate", "seed"].map((name) => [name, Number(fields[name])]);
  if (fields.model !== "edited") preset = fields.model;
  return {
    images: Number(fields.images),
    settings: { model: preset, adapter: fields.adapter, ...Object.fromEntries(numbers) },
    data: fields.data,
    text: fields.model === "edited" ? edited : null,
  };
}

function choose(select, value, text) {
  if (![...select.options].some((option) => option.value === value)) select.append(element("option", { value }, text));
  select.value = value;
}

export function takeText(text) {
  edited = text;
  choose(model, "edited", "edited text");
}

export function useData(found) {
  own = found;
  choose(data, "own", "your own");
  countImages();
}

function countImages() {
  const most = data.value === "own" ? own.train : SYNTHETIC_IMAGES;
  images.max = most;
  images.min = Math.min(64, most);
  images.value = data.value === "own" ? most : Math.min(1600, most);
}

// `begin` is called where the form is sent.
export function setUp(begin) {
  data.addEventListener("change", countImages);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  // ?model=dnn&epochs=2 and the like.
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
}
