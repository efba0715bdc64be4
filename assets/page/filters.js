// The filters of the first layer, as pictures that change while it learns.
import { canvasOf, element, greyScale, paintValues, times } from "./dom.js";

const MOST = 256;

// What can be shown of a layer: pictures of its weights for the first channel, or null.
function picturesOf({ tensors: { kernel } }, image) {
  if (kernel?.shape.length === 4) {
    const [height, width, depth, count] = kernel.shape;
    return { height, width, depth, count, stride: depth * count };
  }
  // Dense: each unit has a weight for every pixel.
  if (kernel?.shape.length === 2 && kernel.shape[0] === image[0] * image[1] * image[2]) {
    const count = kernel.shape[1];
    return { height: image[0], width: image[1], depth: image[2], count, stride: image[2] * count };
  }
  return null;
}

// Returns what paints the filters of later layers of the same form.
export function addFilters(layers, layer, image) {
  const found = layers.get(layer.name);
  const pictures = picturesOf(layer, image);
  if (!found || !pictures) return () => {};
  const { height, width, depth, stride } = pictures;
  const count = Math.min(MOST, pictures.count);
  const canvases = Array.from({ length: count }, () => canvasOf(height, width));
  const buttons = canvases.map((canvas, i) => element("button", { type: "button", class: "filter", "aria-label": `Filter ${i + 1}` }, canvas));
  const size = Math.max(36, Math.min(72, 2 * width));
  for (const canvas of canvases) canvas.style.width = `${size}px`;
  const what = `${count < pictures.count ? `The first ${count} of its ${pictures.count}` : `Its ${count}`} filters of ${times([height, width])} as they learn${depth > 1 ? `, for the first of ${depth} channels` : ""}`;
  const text = `${what}: mid grey is 0, darker is negative, brighter positive. Choose a filter or a map to see its sums.`;
  found.filters.replaceChildren(element("p", { class: "note" }, text), layers.groupOf(found, "Filters", buttons));
  return ({ tensors: { kernel } }) => {
    // Zero is mid grey, even where all are positive.
    const bound = kernel.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const grey = greyScale([-bound]);
    canvases.forEach((canvas, i) => paintValues(canvas, kernel.values, height, width, i, stride, grey));
  };
}
