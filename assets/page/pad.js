// Drawing by pointer and by keyboard, on a finer grid than the image that the network sees.
import { byId, later, paintBytes, show } from "./dom.js";

// Pixels of the longer side, about.
const SIDE = 280;
// Images that are larger are drawn on as they are.
const MOST = 1024;

// `cleared` is called where the drawing is empty, `drawn` where there is a picture.
export function createPad(cleared, drawn) {
  const canvas = byId("pad");
  // An image that is shown as it is, or null for a drawing.
  let sample = null;
  let scale, width, height, pixels, before, covered, last, timer;
  let image = [];
  const pen = { x: 0, y: 0, isShown: false };

  // For images of [height, width, channels].
  function resize(to) {
    if (String(to) === String(image)) return;
    image = to;
    scale = Math.max(1, Math.round(Math.min(SIDE, MOST) / Math.max(image[0], image[1])));
    [height, width] = [image[0] * scale, image[1] * scale];
    Object.assign(canvas, { width, height });
    canvas.setAttribute("aria-label", `Drawing area of ${image[0]} by ${image[1]} pixels`);
    Object.assign(pen, { x: width / 2, y: height / 2 });
    pixels = new Uint8Array(width * height);
    covered = new Float32Array(width * height);
    sample = null;
    paint();
  }

  function paint() {
    if (sample) {
      const small = new OffscreenCanvas(image[1], image[0]);
      paintBytes(small, sample, image);
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, width, height);
    } else {
      paintBytes(canvas, pixels, [height, width, 1]);
    }
    if (!pen.isShown) return;
    const context = canvas.getContext("2d");
    context.fillStyle = "#f0a050";
    context.fillRect(pen.x - scale / 2, pen.y - scale / 2, scale, scale);
  }

  function changed() {
    paint();
    if (!isDrawn()) {
      show("answer", "Nothing is drawn yet.");
      cleared();
      return;
    }
    drawn();
    clearTimeout(timer);
    timer = setTimeout(() => show("said", byId("answer").textContent), 1200);
  }

  const isDrawn = () => sample !== null || (pixels?.some(Boolean) ?? false);

  function picture() {
    if (!isDrawn()) return null;
    return sample ? { head: {}, bytes: sample } : { head: { frame: true, height, width }, bytes: pixels.slice() };
  }

  // A sample becomes a drawing as soon as something is drawn on it.
  function drawOnSample() {
    if (!sample) return;
    const channels = image[2];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = channels * (Math.floor(y / scale) * image[1] + Math.floor(x / scale));
        pixels[y * width + x] = channels === 3 ? (sample[at] + sample[at + 1] + sample[at + 2]) / 3 : sample[at];
      }
    }
    sample = null;
  }

  function beginStroke(x, y) {
    drawOnSample();
    before = pixels.slice();
    covered.fill(0);
    last = { x, y };
    lineTo(x, y);
  }

  function lineTo(x, y) {
    const radius = (Number(byId("pen").value) * scale) / 2;
    const length = Math.hypot(x - last.x, y - last.y);
    const dots = Math.ceil(length / Math.max(1, radius / 4));
    for (let i = 1; i <= dots; i++) stamp(last.x + (i / dots) * (x - last.x), last.y + (i / dots) * (y - last.y), radius);
    if (dots === 0) stamp(x, y, radius);
    last = { x, y };
    later(changed);
  }

  function stamp(x, y, radius) {
    const grey = Number(byId("grey").value);
    const [left, right] = [Math.max(0, Math.floor(x - radius - 1)), Math.min(width, Math.ceil(x + radius + 1))];
    const [top, bottom] = [Math.max(0, Math.floor(y - radius - 1)), Math.min(height, Math.ceil(y + radius + 1))];
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
        const i = width * row + column;
        if (cover <= covered[i]) continue;
        covered[i] = cover;
        pixels[i] = before[i] + (grey - before[i]) * cover;
      }
    }
  }

  function at(event) {
    const { left, top, width: wide, height: high } = canvas.getBoundingClientRect();
    return [(width * (event.clientX - left)) / wide, (height * (event.clientY - top)) / high];
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.isShown = false;
    beginStroke(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    for (const moved of event.getCoalescedEvents?.() ?? []) lineTo(...at(moved));
    lineTo(...at(event));
  });

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if ((!move && event.key !== " ") || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    pen.isShown = true;
    if (move === undefined || event.shiftKey) beginStroke(pen.x, pen.y);
    if (move) {
      pen.x = Math.min(width - scale, Math.max(scale, pen.x + scale * move[0]));
      pen.y = Math.min(height - scale, Math.max(scale, pen.y + scale * move[1]));
      if (event.shiftKey) lineTo(pen.x, pen.y);
    }
    later(event.shiftKey || !move ? changed : paint);
  });
  canvas.addEventListener("blur", () => {
    pen.isShown = false;
    later(paint);
  });

  function set(bytes) {
    sample = bytes;
    pixels.fill(0);
    changed();
  }
  byId("clear").addEventListener("click", () => set(null));
  return { resize, set, isDrawn, picture };
}
