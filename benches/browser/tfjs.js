// TensorFlow.js, with the scripts of its packages that a backend needs.
import { BATCH, CLASSES, IMAGE } from "./images.js";

const script = (name) => `../tfjs/tfjs-${name}/dist/tf-${name}.es2017.min.js`;

export async function open(backend, model, { count, pixels, labels }) {
  await Promise.all(["core", "layers", `backend-${backend}`].map((name) => load(script(name))));
  const tf = globalThis.tf;
  if (backend === "wasm") tf.wasm.setWasmPaths("../tfjs/tfjs-backend-wasm/dist/");
  // By itself it takes half of them.
  if (backend === "wasm" && crossOriginIsolated) tf.wasm.setThreadsCount(navigator.hardwareConcurrency);
  if (!(await tf.setBackend(backend))) throw new Error(`there is no backend ${backend}`);
  await tf.ready();

  const network = tf.sequential({ layers: layers(tf, model) });
  network.compile({ optimizer: tf.train.adam(0.001), loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
  const x = tf.tensor(Float32Array.from(pixels, (pixel) => pixel / 255), [count, ...IMAGE]);
  const y = tf.tensor(Float32Array.from(labels), [count, 1]);

  // Shuffles as the page does, and reads back the means at the end only.
  const options = { batchSize: BATCH, epochs: 1, shuffle: true, yieldEvery: "never", verbose: 0 };
  async function fit(steps) {
    const [some, ofThem] = [x, y].map((tensor) => tf.slice(tensor, 0, steps * BATCH));
    const begun = performance.now();
    const { history } = await network.fit(some, ofThem, options);
    const ms = performance.now() - begun;
    tf.dispose([some, ofThem]);
    return { ms, loss: history.loss[0] };
  }

  // For some time, at least a step.
  let msPerStep = Infinity;
  return async (milliseconds) => {
    const end = performance.now() + milliseconds;
    let [steps, ms, loss] = [0, 0, 0];
    do {
      const some = Math.max(1, Math.min(Math.floor((end - performance.now()) / msPerStep), count / BATCH));
      const fitted = await fit(some);
      msPerStep = fitted.ms / some;
      steps += some;
      ms += fitted.ms;
      loss += fitted.loss * some;
    } while (performance.now() < end);
    return { steps, ms, loss: loss / steps };
  };
}

// Scripts run in the order in which they are added.
function load(url) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src: url, async: false });
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${url} cannot be loaded`));
    document.head.append(element);
  });
}

function layers(tf, model) {
  const { conv2d, dense, flatten, maxPooling2d } = tf.layers;
  const convolution = (more) => conv2d({ filters: 64, kernelSize: 3, activation: "relu", ...more });
  const head = () => [dense({ units: 128, activation: "relu" }), dense({ units: CLASSES, activation: "softmax" })];
  const pool = () => maxPooling2d({ poolSize: 2 });
  switch (model) {
    case "dnn":
      return [flatten({ inputShape: IMAGE }), ...head()];
    case "cnn":
      return [convolution({ inputShape: IMAGE }), pool(), convolution(), pool(), flatten(), ...head()];
    default:
      throw new Error(`no model ${model}`);
  }
}
