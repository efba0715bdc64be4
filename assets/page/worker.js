// The engine's thread: answers one call after the other. Keras's files are read by a module of its own.
import init, { Page } from "./gpu_cnn.js";

const page = init({ module_or_path: new URL("gpu_cnn_bg.wasm", import.meta.url) }).then(() => new Page());
page.catch(() => {});

const isOfKeras = ({ call, name }) => call === "load" && /\.(keras|h5)$/i.test(name);

async function safetensors({ name, image }, bytes) {
  const { default: start, safetensors_of: convert } = await import("./keras.js");
  await start({ module_or_path: new URL("keras_bg.wasm", import.meta.url) });
  return convert(bytes, name, new Uint32Array(image));
}

onmessage = async ({ data }) => {
  try {
    const asked = JSON.parse(data.head);
    if (isOfKeras(asked)) data.bytes = await safetensors(asked, data.bytes);
    const reply = await (await page).call(data.head, data.bytes);
    const { head, bytes } = reply;
    // Its memory is the engine's, which the browser would free some time.
    reply.free?.();
    postMessage({ head, bytes }, [bytes.buffer]);
  } catch (error) {
    postMessage({ error: error.message ?? String(error) });
  }
};
