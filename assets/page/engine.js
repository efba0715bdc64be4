// Calls the engine, one call after the other: in a worker, or at the server that the page is from.

export const isServed = document.querySelector("meta[name=engine]").content === "server";
let last = Promise.resolve();
let worker;
let answer = null;
// Of a server: which of its pages this is, as it answers to the first call.
let session;
// Why the worker is no more.
let broken = null;

// The reply's head and bytes, and the milliseconds that the call took. Fails with the engine's text; `isOfDevice` says whether the device is lost.
export function call(head, bytes = new Uint8Array()) {
  const reply = last.then(async () => {
    const begun = performance.now();
    const { head: found, bytes: data } = await (isServed ? post : ask)(JSON.stringify({ ...head, session }), bytes).catch(plain);
    const answered = JSON.parse(found);
    session = answered?.session ?? session;
    return { head: answered, bytes: data, ms: performance.now() - begun };
  });
  last = reply.catch(() => {});
  return reply;
}

// Of a device that fails the text begins with a word that is not for the user.
function plain({ message }) {
  const text = message.replace(/^device: /, "");
  throw Object.assign(new Error(text), { isOfDevice: text !== message });
}

function ask(head, bytes) {
  return new Promise((resolve, reject) => {
    if (broken) throw broken;
    answer = { resolve, reject };
    worker ??= startWorker();
    worker.postMessage({ head, bytes });
  });
}

function startWorker() {
  const started = new Worker("worker.js", { type: "module" });
  started.onmessage = ({ data }) => {
    if (data.error === undefined) answer.resolve(data);
    else answer.reject(new Error(data.error));
  };
  started.onerror = (event) => {
    broken = new Error(event.message || "the worker could not be loaded");
    answer?.reject(broken);
  };
  return started;
}

async function post(head, bytes) {
  const response = await fetch("call", { method: "POST", body: new Blob([head, "\n", bytes]) }).catch(() => {
    throw new Error("the program that serves this page is gone");
  });
  if (!response.ok) throw new Error((await response.text()).trim());
  const all = new Uint8Array(await response.arrayBuffer());
  const end = all.indexOf(10);
  return { head: new TextDecoder().decode(all.subarray(0, end)), bytes: all.slice(end + 1) };
}

// The floats of a reply.
export function floats({ bytes }) {
  const count = bytes.length >> 2;
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * count));
}

// Starts the worker at once, so that it loads while the page does.
export function warm() {
  if (!isServed) worker ??= startWorker();
}
