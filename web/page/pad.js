// Drawing by pointer and by keyboard.
"use strict";

// The drawing: 28 by 28 bytes, what the network gets. `cleared` is called where it is empty, `drawn` with its pixels where not.
function createPad(cleared, drawn) {
  const canvas = byId("pad");
  let pixels = new Uint8Array(784);
  // Of the present stroke: what was there before, and how far it covers each pixel.
  let before = pixels, covered = new Float32Array(784);
  let last = null, timer;
  const pen = { x: 14, y: 14, isShown: false };

  function changed() {
    paint(canvas, pixels);
    if (pen.isShown) {
      const context = canvas.getContext("2d");
      context.fillStyle = "#f0a050";
      context.fillRect(Math.floor(pen.x), Math.floor(pen.y), 1, 1);
    }
    if (!pixels.some(Boolean)) {
      show("answer", "Nothing is drawn yet.");
      cleared();
      return;
    }
    drawn(pixels);
    clearTimeout(timer);
    timer = setTimeout(() => show("said", byId("answer").textContent), 800);
  }

  function beginStroke(x, y) {
    before = pixels.slice();
    covered.fill(0);
    last = { x, y };
    lineTo(x, y);
  }

  function lineTo(x, y) {
    const radius = Number(byId("pen").value) / 2;
    const grey = Number(byId("grey").value);
    const length = Math.hypot(x - last.x, y - last.y);
    for (let at = 0; at <= length; at += 0.25) {
      const share = length ? at / length : 0;
      stamp(last.x + share * (x - last.x), last.y + share * (y - last.y), radius);
    }
    stamp(x, y, radius);
    last = { x, y };
    pixels = before.map((value, i) => value + (grey - value) * covered[i]);
    later(changed);
  }

  function stamp(x, y, radius) {
    for (let row = 0; row < 28; row++) {
      for (let column = 0; column < 28; column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const cover = Math.min(1, Math.max(0, radius + 0.5 - distance));
        const i = 28 * row + column;
        if (cover > covered[i]) covered[i] = cover;
      }
    }
  }

  function at(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(28 * (event.clientX - left)) / width, (28 * (event.clientY - top)) / height];
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
      [pen.x, pen.y] = [pen.x + move[0], pen.y + move[1]].map((place) => Math.min(27, Math.max(1, place)));
      if (event.shiftKey) lineTo(pen.x, pen.y);
    }
    later(changed);
  });
  canvas.addEventListener("blur", () => {
    pen.isShown = false;
    later(changed);
  });

  const set = (other) => {
    pixels = Uint8Array.from(other);
    changed();
  };
  byId("clear").addEventListener("click", () => set(new Uint8Array(784)));
  paint(canvas, pixels);
  return { set, isDrawn: () => pixels.some(Boolean), get pixels() { return pixels; } };
}
