// What the network makes of a picture: the engine's answers as arrays, and what it says, in words and bars.
import { call, floats } from "./engine.js";
import { byId, element, paintBytes, percent, show, svg, tableRow } from "./dom.js";

// Probabilities, the image that the network sees, and the outputs of all layers by name, "input" among them.
export async function lookAt(picture) {
  const reply = await call({ call: "look", ...picture.head }, picture.bytes);
  const { probabilities, image, largest_pixel: largest, seen_offset: seenAt, layers } = reply.head;
  const all = floats(reply);
  const seen = reply.bytes.slice(seenAt, seenAt + image[0] * image[1] * image[2]);
  const outputs = new Map();
  outputs.set("input", { name: "input", shape: image, values: Float32Array.from(seen, (byte) => byte * (largest === 1 ? 1 / 255 : 1)) });
  for (const layer of layers) {
    const length = layer.shape.reduce((a, b) => a * b, 1);
    outputs.set(layer.name, { ...layer, values: all.subarray(layer.offset, layer.offset + length) });
  }
  return { probabilities, image, seen, outputs, picture };
}

// A layer's arguments, and its tensors by the last part of their names. Null where the reply is.
export function layerOf(reply) {
  if (!reply.head) return null;
  const all = floats(reply);
  const tensors = {};
  for (const { name, shape, offset } of reply.head.tensors) {
    const length = shape.reduce((a, b) => a * b, 1);
    tensors[name.slice(name.lastIndexOf(".") + 1)] = { shape, values: all.subarray(offset, offset + length) };
  }
  return { name: reply.head.name, kind: reply.head.kind, args: reply.head.args, tensors };
}

const table = () => byId("probabilities").querySelector("tbody");

// Empty rows.
export function listClasses(classes) {
  table().replaceChildren(...classes.map((name) => {
    const picture = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: 0, height: 10 }));
    return tableRow(name, [element("div", { class: "bar" }, picture, element("span"))]);
  }));
}

export function showProbabilities(probabilities, classes) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  [...table().rows].forEach((row, i) => {
    row.querySelector("rect").setAttribute("width", 100 * probabilities[i]);
    row.querySelector("span").textContent = percent(probabilities[i]);
    row.classList.toggle("best", i === best);
  });
  show("answer", best < 0 ? "Its numbers are no longer finite: it has no answer." : `${classes[best]}, ${percent(probabilities[best])}`);
}

export function showSeen({ seen, image, picture }) {
  paintBytes(byId("seen"), seen, image);
  show("seen-how", picture.head.frame ? "your drawing, cropped, scaled and centred as its images are" : "the picture as it is");
  show("seen-size", `${image[0]} by ${image[1]}`);
}

// Buttons with an image of each class; `choose` is called with the bytes of one.
export function listSamples({ head: { classes, image }, bytes }, choose) {
  const size = image[0] * image[1] * image[2];
  const samples = classes.map((_, i) => bytes.slice(i * size, (i + 1) * size)).filter(({ length }) => length === size);
  byId("samples").replaceChildren(...samples.map((sample, i) => {
    const picture = element("canvas", { "aria-hidden": "true" });
    paintBytes(picture, sample, image);
    const button = element("button", { type: "button" }, picture, classes[i]);
    button.addEventListener("click", () => choose(sample, image));
    return button;
  }));
  return samples;
}
