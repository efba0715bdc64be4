// The engine's thread: answers one call after the other.
import init, { Page } from "./gpu_cnn.js";

const page = init({ module_or_path: new URL("gpu_cnn_bg.wasm", import.meta.url) }).then(() => new Page());
page.catch(() => {});

onmessage = async ({ data }) => {
  try {
    const reply = await (await page).call(data.head, data.bytes);
    const { head, bytes } = reply;
    // Its memory is the engine's, which the browser would free some time.
    reply.free?.();
    postMessage({ head, bytes }, [bytes.buffer]);
  } catch (error) {
    postMessage({ error: error.message ?? String(error) });
  }
};
