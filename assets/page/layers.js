// The network layer by layer: what each does, and what it makes of the picture under the pen.
import { byId, canvasOf, element, greyScale, grouped, paintValues, rove, times } from "./dom.js";
import { explain } from "./explain.js";

// Units of a layer that are shown.
const MOST_UNITS = 1024;

// `choose` is called with a layer's name and the number of a map.
export function createLayers(choose) {
  const place = byId("layers");
  let shapes = {}, articles = new Map();

  function build(summary) {
    shapes = { input: summary.input };
    for (const { name, output_shape: shape } of summary.layers) shapes[name] = shape;
    articles = new Map(summary.layers.map((layer, i) => [layer.name, article(layer, i)]));
    place.replaceChildren(...[...articles.values()].map(({ whole }) => whole));
  }

  function article(layer, i) {
    const title = element("h3", { id: `layer-${i}` }, `${i + 1}. ${layer.name}`, " ", element("small", {}, `${layer.type}, ${times(layer.output_shape)}`));
    const text = element("p", {}, explain(layer, shapes, null));
    const filters = element("div", { class: "filters" });
    const maps = element("div", { class: "maps" });
    const whole = element("article", { "aria-labelledby": `layer-${i}` }, title, text, filters, maps);
    return { layer, whole, text, filters, maps, paints: null };
  }

  function setArgs(name, args) {
    const found = articles.get(name);
    if (found) found.text.textContent = explain(found.layer, shapes, args);
  }

  function paint({ outputs }) {
    for (const [name, output] of outputs) {
      const found = articles.get(name);
      if (!found) continue;
      found.paints ??= output.shape.length === 3 ? addMaps(found, output) : addUnits(found, output);
      found.paints(output.values);
    }
  }

  function groupOf(found, label, buttons) {
    const name = found.layer.name;
    const group = element("div", { role: "group", "aria-label": `${label} of ${name}`, class: "buttons-of-maps" }, ...buttons);
    rove(group);
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) choose(name, buttons.indexOf(button), button);
    });
    return group;
  }

  function addMaps(found, { shape: [height, width, count] }) {
    const canvases = Array.from({ length: count }, () => canvasOf(height, width));
    const buttons = canvases.map((canvas, i) => element("button", { type: "button", class: "map", "aria-label": `Map ${i + 1}` }, canvas));
    const size = Math.min(72, Math.max(28, 2 * width));
    for (const canvas of canvases) canvas.style.width = `${size}px`;
    const legend = element("p", { class: "note" });
    found.maps.replaceChildren(legend, groupOf(found, "Feature maps", buttons));
    return (values) => {
      const grey = greyScale(values);
      canvases.forEach((canvas, i) => paintValues(canvas, values, height, width, i, count, grey));
      legend.textContent = `Its ${count} maps for your picture: ${scaleText(grey)}`;
    };
  }

  function addUnits(found, { shape }) {
    const count = Math.min(MOST_UNITS, shape.at(-1));
    const buttons = Array.from({ length: count }, (_, i) => element("button", { type: "button", class: "unit", "aria-label": `Unit ${i + 1}` }));
    const legend = element("p", { class: "note" });
    found.maps.replaceChildren(legend, groupOf(found, "Numbers", buttons));
    const which = count < shape.at(-1) ? `The first ${grouped(count)} of its ${grouped(shape.at(-1))} numbers` : `Its ${grouped(count)} numbers`;
    return (values) => {
      const grey = greyScale(values);
      buttons.forEach((button, i) => {
        const level = grey(values[i]);
        button.style.backgroundColor = `rgb(${level} ${level} ${level})`;
      });
      legend.textContent = `${which} for your picture: ${scaleText(grey)}`;
    };
  }

  const scaleText = (grey) => (grey(0) > 100 ? "mid grey is 0, darker is negative, brighter positive." : "black is 0, white the largest.");
  return { build, setArgs, paint, groupOf, get: (name) => articles.get(name) };
}
