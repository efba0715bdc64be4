// The engine of this repository's page, by its calls.
import { BATCH, IMAGE } from "./images.js";

export async function open(backend, model, { count, pixels, labels }) {
  const { default: init, Page } = await import("../web/gpu_cnn.js");
  await init({ module_or_path: new URL("../web/gpu_cnn_bg.wasm", import.meta.url) });
  const page = new Page();
  const call = async (head, bytes = new Uint8Array()) => JSON.parse((await page.call(JSON.stringify(head), bytes)).head);

  const [height, width] = IMAGE;
  const files = [
    ["train-images-idx3-ubyte", idx([count, height, width], pixels)],
    ["train-labels-idx1-ubyte", idx([count], labels)],
    ["t10k-images-idx3-ubyte", idx([BATCH, height, width], pixels.subarray(0, BATCH * height * width))],
    ["t10k-labels-idx1-ubyte", idx([BATCH], labels.subarray(0, BATCH))],
  ];
  const bytes = new Uint8Array(await new Blob(files.map(([, file]) => file)).arrayBuffer());
  await call({ call: "idx", names: files.map(([name]) => name), sizes: files.map(([, file]) => file.length) }, bytes);
  const settings = { model, adapter: backend, epochs: 100, batch_size: BATCH, learning_rate: 0.001 };
  const { device } = await call({ call: "start", settings, data: "own", images: count });
  if (device !== backend) throw new Error(`the device is ${device}`);

  // For some time, at least a step.
  return async (milliseconds) => {
    const end = performance.now() + milliseconds;
    let [steps, ms, loss] = [0, 0, 0];
    do {
      const begun = performance.now();
      const { scores, test } = await call({ call: "train" });
      // With the end of an epoch comes an evaluation.
      if (test) continue;
      ms += performance.now() - begun;
      steps += scores.length / 2;
      loss += scores.reduce((sum, score, i) => sum + (i % 2 ? 0 : score), 0);
    } while (performance.now() < end || steps === 0);
    return { steps, ms, loss: loss / steps };
  };
}

// A file in IDX format.
function idx(shape, data) {
  const file = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x800 + shape.length);
  shape.forEach((size, i) => view.setUint32(4 + 4 * i, size));
  file.set(data, 4 + 4 * shape.length);
  return file;
}
