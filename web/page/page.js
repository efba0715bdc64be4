// The page: starts the worker, shows what it reports, and sends it what is drawn.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const show = (id, text) => {
    if (byId(id).textContent !== text) byId(id).textContent = text;
  };
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const svg = (name, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  const SYNTHETIC_IMAGES = 60000;
  const WINDOW = 20;
  const form = byId("settings");
  let worker, run;

  // The settings of the form, and with them the names of the command's options.
  function settings() {
    const fields = Object.fromEntries(new FormData(form));
    const { model, adapter, images } = fields;
    const numbers = ["epochs", "batch_size", "learning_rate", "seed"].map((name) => [name, Number(fields[name])]);
    return { images: Number(images), settings: { model, adapter, ...Object.fromEntries(numbers) } };
  }

  function begin(adapter, notice = "") {
    worker?.terminate();
    const chosen = settings();
    if (adapter) chosen.settings.adapter = adapter;
    const steps = Math.ceil(chosen.images / chosen.settings.batch_size);
    run = {
      ...chosen,
      epochSteps: steps,
      epochs: chosen.settings.epochs,
      losses: [],
      accuracies: [],
      tests: [],
      speeds: [],
      isOn: true,
      isOver: false,
      notice,
      begun: performance.now(),
    };
    for (const id of ["device", "speed", "step", "loss-now", "accuracy-now", "test-accuracy"]) show(id, "–");
    byId("epochs").querySelector("tbody").replaceChildren();
    byId("first-losses").querySelector("ol").replaceChildren();
    byId("progress").value = 0;
    show("command", command());
    say("Loading …");
    draw();
    try {
      worker = new Worker("worker.js", { type: "module" });
    } catch (error) {
      fail(String(error));
      return;
    }
    worker.onmessage = ({ data }) => handlers[data.type](data);
    worker.onerror = (event) => fail(event.message || "the worker could not be loaded");
    worker.postMessage({ type: "start", ...chosen });
    if (pad.isDrawn()) worker.postMessage({ type: "picture", pixels: pad.pixels });
  }

  // The command that gives the same losses for the first steps.
  function command() {
    const { images, settings: { model, batch_size, learning_rate, seed }, epochSteps } = run;
    const words = ["gpu-cnn train --adapter cpu --data synthetic --epochs 1 --log-steps"];
    words.push(`--limit-batches ${Math.min(WINDOW, epochSteps)}`);
    if (images < SYNTHETIC_IMAGES) words.push(`--validation ${SYNTHETIC_IMAGES - images}`);
    const usual = { model: "cnn", "batch-size": 32, "learning-rate": 0.001, seed: 0 };
    const own = { model, "batch-size": batch_size, "learning-rate": learning_rate, seed };
    for (const [name, value] of Object.entries(own)) if (value !== usual[name]) words.push(`--${name} ${value}`);
    return words.join(" ");
  }

  function say(text) {
    show("status", run.notice ? `${run.notice} ${text}` : text);
    const { isOver, isOn, hasFailed } = run;
    document.querySelector(".state").classList.toggle("failed", Boolean(hasFailed));
    show("pause", isOn && !isOver ? "Pause" : "Train on");
    byId("pause").disabled = byId("download").disabled = !run.isReady || Boolean(hasFailed);
  }

  function sayEpoch() {
    const of = `epoch ${Math.min(run.tests.length + 1, run.epochs)} of ${run.epochs}`;
    say(run.isOn ? `Training: ${of}` : `Paused in ${of}`);
  }

  function fail(text, device) {
    if (device === "webgpu") {
      begin("cpu", `WebGPU has failed: ${text} Training begins again on the CPU.`);
      return;
    }
    run.hasFailed = true;
    say(`The training has ended: ${text}`);
  }

  const handlers = {
    started({ name, device, notice }) {
      Object.assign(run, { isReady: true, device, startMs: performance.now() - run.begun });
      if (notice) run.notice = notice;
      show("device", name);
      sayEpoch();
    },
    steps({ scores, ms }) {
      const count = scores.length / 2;
      if (count === 0) return;
      run.firstStepMs ??= performance.now() - run.begun;
      // The first piece has what is done once.
      if (run.losses.length) run.speeds.push(ms / count);
      for (let i = 0; i < count; i++) {
        run.losses.push(scores[2 * i]);
        run.accuracies.push(scores[2 * i + 1]);
      }
      const { losses, accuracies, epochs, epochSteps, settings: { batch_size } } = run;
      if (run.speeds.length) {
        const last = run.speeds.slice(-15).sort((a, b) => a - b);
        const step = last[last.length >> 1];
        show("speed", `${step.toFixed(step < 10 ? 2 : 1)} ms a step, ${Math.round((1000 * batch_size) / step)} images/s`);
      }
      show("step", `${losses.length} of ${epochs * epochSteps}`);
      byId("progress").value = losses.length / (epochs * epochSteps);
      show("loss-now", mean(losses.slice(-WINDOW)).toFixed(4));
      show("accuracy-now", percent(mean(accuracies.slice(-WINDOW))));
      listFirst();
      later(draw);
    },
    epoch({ epoch, loss, accuracy }) {
      const { losses, accuracies, tests, epochSteps } = run;
      tests.push({ step: losses.length, loss, accuracy });
      const row = [mean(losses.slice(-epochSteps)).toFixed(4), percent(mean(accuracies.slice(-epochSteps))), loss.toFixed(4), percent(accuracy)];
      byId("epochs").querySelector("tbody").append(tableRow(String(epoch), row));
      show("test-accuracy", percent(accuracy));
      sayEpoch();
      later(draw);
    },
    finished() {
      run.isOver = true;
      const last = run.tests.at(-1);
      say(`Finished: ${run.epochs === 1 ? "one epoch" : `${run.epochs} epochs`}${last ? `, test accuracy ${percent(last.accuracy)}` : ""}`);
    },
    samples({ classes, pixels }) {
      if (byId("samples").childElementCount === 0) addSamples(classes, pixels);
    },
    probabilities({ probabilities }) {
      showProbabilities(probabilities);
    },
    file({ bytes }) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
      link.download = "model.safetensors";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    },
    failed({ text, device }) {
      fail(text, device);
    },
  };

  function tableRow(head, cells) {
    const row = document.createElement("tr");
    const first = document.createElement("th");
    first.scope = "row";
    first.textContent = head;
    row.append(first);
    for (const text of cells) row.insertCell().textContent = text;
    return row;
  }

  function listFirst() {
    const list = byId("first-losses").querySelector("ol");
    const end = Math.min(WINDOW, run.epochSteps, run.losses.length);
    for (let i = list.childElementCount; i < end; i++) {
      const item = document.createElement("li");
      item.textContent = run.losses[i].toPrecision(8);
      list.append(item);
    }
  }

  // Calls `f` once before the next frame.
  const waiting = new Set();
  function later(f) {
    if (waiting.has(f)) return;
    waiting.add(f);
    requestAnimationFrame(() => {
      waiting.delete(f);
      f();
    });
  }

  const BOX = { left: 46, right: 412, top: 10, bottom: 172 };

  function draw() {
    const { losses, accuracies, tests, epochs, epochSteps } = run;
    const steps = Math.max(losses.length, epochs * epochSteps);
    const x = (step) => BOX.left + ((BOX.right - BOX.left) * step) / steps;
    const highest = Math.max(2.5, ...smoothed(losses).map(([, loss]) => loss).filter(Number.isFinite));
    curve("loss", losses, highest, x, steps, (value) => value.toFixed(1));
    const y = curve("accuracy", accuracies, 1, x, steps, (value) => `${Math.round(100 * value)} %`);
    const dots = tests.map(({ step, accuracy }) => svg("circle", { cx: x(step), cy: y(accuracy), r: 4, class: "f2" }));
    byId("accuracy").querySelector(".tests").replaceChildren(...dots);
    const last = (values) => mean(values.slice(-WINDOW));
    if (losses.length) {
      show("loss-svg-desc", `After ${losses.length} steps the mean loss of the last ${WINDOW} is ${last(losses).toFixed(3)}.`);
      show("accuracy-svg-desc", `After ${losses.length} steps the accuracy of the last ${WINDOW} is ${percent(last(accuracies))}.`);
    }
  }

  function curve(id, values, highest, x, steps, label) {
    const figure = byId(id);
    const y = (value) => BOX.bottom - ((BOX.bottom - BOX.top) * Math.min(value, highest)) / highest;
    const [thin, thick] = figure.querySelectorAll("polyline");
    const points = (pairs) => pairs.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
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
      axes.push(svg("text", { x: x(share * steps), y: BOX.bottom + 18, class: where }, Math.round(share * steps)));
    }
    axes.push(svg("text", { x: (BOX.left + BOX.right) / 4, y: BOX.bottom + 18, class: "middle" }, "step"));
    figure.querySelector(".axes").replaceChildren(...axes);
    return y;
  }

  // Means of up to WINDOW values, at up to 200 steps.
  function smoothed(values) {
    const every = Math.ceil(values.length / 200);
    const steps = values.map((_, i) => i + 1).filter((step) => step % every === 0 || step === values.length);
    return steps.map((step) => [step, mean(values.slice(Math.max(0, step - WINDOW), step))]);
  }

  const table = byId("probabilities").querySelector("tbody");
  let classes = [];

  function addRows() {
    table.replaceChildren(...classes.map((name) => {
      const row = tableRow(name, [""]);
      const bar = document.createElement("div");
      bar.className = "bar";
      const picture = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
      picture.append(svg("rect", { width: 0, height: 10 }));
      bar.append(picture, document.createElement("span"));
      row.cells[1].append(bar);
      return row;
    }));
  }

  function showProbabilities(probabilities) {
    if (!pad.isDrawn() || classes.length === 0) return;
    const best = probabilities.indexOf(Math.max(...probabilities));
    [...table.rows].forEach((row, i) => {
      row.querySelector("rect").setAttribute("width", 100 * probabilities[i]);
      row.querySelector("span").textContent = percent(probabilities[i]);
      row.classList.toggle("best", i === best);
    });
    run.probabilities = probabilities;
    show("answer", `${classes[best]}, ${percent(probabilities[best])}`);
  }

  function addSamples(names, pixels) {
    classes = names;
    addRows();
    names.forEach((name, i) => {
      if (!pixels[i]) return;
      const button = document.createElement("button");
      button.type = "button";
      const picture = document.createElement("canvas");
      [picture.width, picture.height] = [28, 28];
      paint(picture, pixels[i]);
      button.append(picture, name);
      button.addEventListener("click", () => pad.set(pixels[i]));
      byId("samples").append(button);
    });
    // Something to look at, before anything is drawn.
    if (!pad.isDrawn()) pad.set(pixels.findLast(Boolean));
  }

  function paint(canvas, pixels) {
    const image = new ImageData(28, 28);
    pixels.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // The drawing: 28 by 28 bytes, what the network gets.
  const pad = (() => {
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
        addRows();
        return;
      }
      worker?.postMessage({ type: "picture", pixels });
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
  })();

  byId("pause").addEventListener("click", () => {
    if (run.isOver) {
      Object.assign(run, { isOver: false, isOn: true, epochs: run.epochs + run.settings.epochs });
    } else {
      run.isOn = !run.isOn;
    }
    worker.postMessage({ type: "train", isOn: run.isOn });
    sayEpoch();
  });
  byId("download").addEventListener("click", () => worker.postMessage({ type: "download" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
    byId("status").scrollIntoView({ block: "center" });
  });
  // ?model=dnn&epochs=2 and the like.
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  // What the page has measured, for tests.
  globalThis.gpuCnn = () => run;

  if (location.protocol === "file:") {
    show("status", "Browsers do not let a page that is opened as a file train: serve its folder, such as by python3 -m http.server, and open that address.");
  } else if (typeof WebAssembly !== "object") {
    show("status", "This browser has no WebAssembly, which the page needs.");
  } else {
    begin();
  }
})();
