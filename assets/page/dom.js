// What the page's other scripts use: elements, numbers as text, pixels.

export const byId = (id) => document.getElementById(id);
export const show = (id, text) => {
  if (byId(id).textContent !== text) byId(id).textContent = text;
};
export const percent = (share) => `${(100 * share).toFixed(1)} %`;
export const grouped = (number) => number.toLocaleString("en");
export const times = (shape) => shape.join(" × ");
export const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
export const short = (number) => (Number.isFinite(number) ? number.toFixed(3).replace(/^-(0\.000)$/, "$1") : String(number));

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

export function tableRow(head, cells) {
  return element("tr", {}, element("th", { scope: "row" }, head), ...cells.map((cell) => element("td", {}, cell)));
}

export function tableHead(names) {
  return element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
}

// Calls `f` once before the next frame.
const waiting = new Set();
export function later(f) {
  if (waiting.has(f)) return;
  waiting.add(f);
  requestAnimationFrame(() => {
    waiting.delete(f);
    f();
  });
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function save(bytes, name) {
  const link = element("a", { href: URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function canvasOf(height, width) {
  return element("canvas", { width, height });
}

// Shows an image of bytes with one channel or three.
export function paintBytes(canvas, bytes, [height, width, channels]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = bytes[channels * i + (channels === 3 ? channel : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// How numbers become greys: zero is black and the largest is white; where some are negative, zero is mid grey.
export function greyScale(values) {
  let least = 0, most = 0;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const bound = Math.max(most, -least) || 1;
  const [zero, factor] = least < 0 ? [127.5, 127.5 / bound] : [0, 255 / bound];
  return (value) => Math.max(0, Math.min(255, Math.round(zero + factor * value)));
}

// Shows every `stride`th of the numbers, from `first` on, as a picture of greys.
export function paintValues(canvas, values, height, width, first, stride, grey) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0, at = first; i < pixels.length; i++, at += stride) pixels[i] = 0xff000000 | (grey(values[at]) * 0x10101);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Arrow keys move between the buttons of a group, of which one takes the focus by tab.
export function rove(group) {
  const buttons = () => [...group.querySelectorAll("button")];
  const take = (button) => {
    for (const other of buttons()) other.tabIndex = other === button ? 0 : -1;
  };
  take(buttons()[0]);
  group.addEventListener("focusin", (event) => take(event.target));
  group.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(event.target.closest("button"));
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    all[to]?.focus();
  });
}
