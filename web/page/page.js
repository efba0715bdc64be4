// The page: starts the worker, shows what it reports, and sends it what is drawn.
"use strict";
(() => {
  const SYNTHETIC_IMAGES = 60000;
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
    redraw();
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
      later(redraw);
    },
    epoch({ epoch, loss, accuracy }) {
      const { losses, accuracies, tests, epochSteps } = run;
      tests.push({ step: losses.length, loss, accuracy });
      const row = [mean(losses.slice(-epochSteps)).toFixed(4), percent(mean(accuracies.slice(-epochSteps))), loss.toFixed(4), percent(accuracy)];
      byId("epochs").querySelector("tbody").append(tableRow(String(epoch), row));
      show("test-accuracy", percent(accuracy));
      sayEpoch();
      later(redraw);
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

  function listFirst() {
    const list = byId("first-losses").querySelector("ol");
    const end = Math.min(WINDOW, run.epochSteps, run.losses.length);
    for (let i = list.childElementCount; i < end; i++) {
      const item = document.createElement("li");
      item.textContent = run.losses[i].toPrecision(8);
      list.append(item);
    }
  }

  const redraw = () => drawCurves(run);

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

  const pad = createPad(addRows, (pixels) => worker?.postMessage({ type: "picture", pixels }));

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
