// The form of the settings.
import { byId, element } from "./dom.js";

const SYNTHETIC_IMAGES = 60000;
const form = byId("settings");
const { model, data, images } = form.elements;
let preset = model.value;
let edited = null;
let own = null;
// How many images the run of `gpu-cnn view` was trained on.
let ofRun = null;

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

// Whether the fields can be used; the browser says which cannot.
export const isValid = () => form.reportValidity();
export const isPreset = (name) => name !== "edited" && [...model.options].some(({ value }) => value === name);

function choose(select, value, text) {
  if (![...select.options].some((option) => option.value === value)) select.append(element("option", { value }, text));
  select.value = value;
}

export function takeText(text) {
  edited = text;
  choose(model, "edited", "the text below");
}

// Images that were given.
export function useData(found) {
  own = found;
  choose(data, "own", "your own");
  countImages();
}

// The model, settings and images of the run of `gpu-cnn view`, of which `start` tells.
export function useRun({ settings, train, text }) {
  ofRun = train;
  if (isPreset(settings.model)) set(model, settings.model);
  else takeText(text);
  for (const name of ["epochs", "batch_size", "learning_rate", "seed"]) if (name in settings) set(form.elements[name], settings[name]);
  choose(data, "run", "the run's images");
  countImages();
}

// A run may have more than the form would take.
function set(field, value) {
  if (Number(value) > Number(field.max)) field.max = value;
  if (Number(value) < Number(field.min)) field.min = value;
  field.value = value;
}

function countImages() {
  const most = { own: own?.train, run: ofRun }[data.value] ?? SYNTHETIC_IMAGES;
  images.max = most;
  images.min = Math.min(64, most);
  images.value = data.value === "synthetic" ? Math.min(1600, most) : most;
}

// `begin` is called where the form is sent.
export function setUp(begin) {
  data.addEventListener("change", countImages);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  // ?model=dnn&epochs=2 and the like; what a field does not take is left out.
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    const usual = field?.value;
    if (usual === undefined) continue;
    field.value = value;
    if (field.value === "" || !field.checkValidity()) field.value = usual;
  }
}
