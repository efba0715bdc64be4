// Trains by one framework, as the address says: ?framework=ours&backend=cpu&model=dnn
import { images } from "./images.js";

const { framework, backend, model } = Object.fromEntries(new URLSearchParams(location.search));

async function open() {
  const { open } = await import(`./${framework}.js`);
  const train = await open(backend, model, images());
  await train(0);
  // Since the navigation began.
  return { train, firstResultsMs: performance.now() };
}

globalThis.opened = open();
