// The engine's thread. It trains in pieces of about 100 ms, and answers the page between them.
import init, { Engine, Images } from "./gpu_cnn.js";

const TEST_IMAGES = 1000;
// A picture is looked at again while the network learns.
const LOOK_AGAIN_MS = 250;

let engine, device, test;
let isTraining = false;
let isWorking = false;
const picture = { pixels: null, isNew: false, lookedAt: 0 };
const jobs = [];

onmessage = ({ data }) => {
  if (data.type === "start") jobs.push(() => start(data));
  else if (data.type === "train") isTraining = data.isOn;
  else if (data.type === "picture") Object.assign(picture, { pixels: data.pixels, isNew: true });
  else if (data.type === "download") jobs.push(download);
  work();
};

// One thing after the other: the engine does one at a time.
async function work() {
  if (isWorking) return;
  isWorking = true;
  try {
    while (true) {
      const job = jobs.shift();
      if (job) await job();
      else if (engine && picture.isNew) await look();
      else if (engine && isTraining) await train();
      else break;
      await messages();
    }
  } catch (error) {
    isTraining = false;
    postMessage({ type: "failed", text: error.message ?? String(error), device });
  }
  isWorking = false;
}

// Waits until the messages that have arrived are handled.
function messages() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

async function start({ settings, images }) {
  await init({ module_or_path: new URL("gpu_cnn_bg.wasm", import.meta.url) });
  let notice = "";
  try {
    engine = await Engine.create(JSON.stringify(settings), undefined, Images.synthetic(images));
  } catch (error) {
    if (settings.adapter === "cpu" || !navigator.gpu) throw error;
    notice = `WebGPU could not be used: ${error.message}`;
    engine = await Engine.create(JSON.stringify({ ...settings, adapter: "cpu" }), undefined, Images.synthetic(images));
  }
  const { driver, parameters } = engine;
  device = engine.device;
  const name = device === "webgpu" ? await adapterName() : `CPU, one thread, ${driver}`;
  postMessage({ type: "started", device, name, parameters, notice });
  isTraining = true;
}

async function adapterName() {
  const adapter = await navigator.gpu.requestAdapter();
  const { vendor, architecture, description } = adapter?.info ?? {};
  const name = description || [vendor, architecture].filter(Boolean).join(" ");
  return name ? `WebGPU, ${name}` : "WebGPU";
}

async function train() {
  const { epoch } = engine;
  const begun = performance.now();
  const scores = await engine.train(1);
  postMessage({ type: "steps", scores, ms: performance.now() - begun });
  if (!test) testImages();
  if (engine.epoch > epoch) {
    const [loss, accuracy] = await engine.evaluate(test);
    postMessage({ type: "epoch", epoch: engine.epoch, loss, accuracy });
  }
  if (scores.length === 0) {
    isTraining = false;
    postMessage({ type: "finished" });
  }
  if (picture.pixels && performance.now() - picture.lookedAt > LOOK_AGAIN_MS) picture.isNew = true;
}

// Draws the test images once the training has begun.
function testImages() {
  test = Images.synthetic_test(TEST_IMAGES);
  const classes = test.class_names;
  postMessage({ type: "samples", classes, pixels: classes.map((_, i) => test.first_of(i)) });
}

async function look() {
  const { pixels } = picture;
  Object.assign(picture, { isNew: false, lookedAt: performance.now() });
  postMessage({ type: "probabilities", probabilities: await engine.predict(pixels) });
}

async function download() {
  const bytes = await engine.to_safetensors();
  postMessage({ type: "file", bytes }, [bytes.buffer]);
}
