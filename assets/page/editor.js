// The editor of a model's text: layers and shapes while it is typed, errors at their lines.
import { call } from "./engine.js";
import { byId, element, grouped, save, show, tableHead, tableRow, times } from "./dom.js";

const TYPING_MS = 400;

// `train` is called with the text, `report` with what the engine says to each text.
export function createEditor(train, report) {
  const text = byId("model-text");
  const gutter = byId("gutter");
  let timer, asked = 0;

  function number(bad) {
    const count = text.value.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: count }, (_, i) => element("span", i + 1 === bad ? { class: "bad" } : {}, i + 1 === bad ? `▶ ${i + 1}` : String(i + 1))));
    gutter.scrollTop = text.scrollTop;
  }

  async function describe(head) {
    const mine = ++asked;
    let reply;
    try {
      reply = (await call({ call: "describe", ...head })).head;
    } catch (error) {
      reply = { text: null, summary: null, error: { message: error.message, line: null } };
    }
    if (mine !== asked) return;
    if (head.model && reply.text) text.value = reply.text;
    tell(reply);
  }

  function tell({ summary, error }) {
    number(error?.line);
    text.setAttribute("aria-invalid", String(Boolean(error)));
    byId("train-model").disabled = Boolean(error);
    show("model-error", error ? messageOf(error) : "");
    byId("model-error").hidden = !error;
    byId("model-layers").hidden = !summary;
    if (summary) byId("model-layers").replaceChildren(summaryTable(summary));
    report({ summary, error });
  }

  text.addEventListener("input", () => {
    number(null);
    clearTimeout(timer);
    timer = setTimeout(() => describe({ text: text.value }), TYPING_MS);
  });
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  byId("model-preset").addEventListener("change", (event) => {
    clearTimeout(timer);
    if (event.target.value) describe({ model: event.target.value });
  });
  byId("train-model").addEventListener("click", () => train(text.value));
  byId("save-model").addEventListener("click", () => save(text.value, "model.toml"));

  return {
    // A text that is given.
    write(given) {
      text.value = given;
      clearTimeout(timer);
      describe({ text: given });
    },
    // The text of the model in training.
    set(model, summary) {
      asked += 1;
      clearTimeout(timer);
      if (model !== null) text.value = model;
      tell({ summary, error: null });
    },
  };
}

// What is wrong, without the picture of its line and without saying the line twice.
function messageOf({ message, line }) {
  const isOfPicture = (part) => /^\s*(\d+\s*)?\|/.test(part) || /^[^|]*TOML parse error at line/.test(part) || part.trim() === "";
  const text = (message.split("\n").filter((part) => !isOfPicture(part)).at(-1) ?? message).trim().replace(/^not a model: /, "");
  return line ? `Line ${line}: ${text.replace(new RegExp(`,? from line ${line}\\b`), "")}` : text;
}

// As `gpu-cnn summary` prints it; what a layer gets is only said where it is not the one before.
function summaryTable({ model, layers, total_params: total, trainable_params: trainable }) {
  const isChain = model === "sequential";
  const rows = layers.map(({ name, type, output_shape: shape, params, inputs }) => (
    tableRow(name, [type, times(shape), grouped(params), ...(isChain ? [] : [inputs.join(", ")])])));
  const sum = `${grouped(total)} parameters, ${total === trainable ? "all" : grouped(trainable)} of them learned`;
  const names = ["Layer", "Type", "Output shape", "Parameters", ...(isChain ? [] : ["Connected to"])];
  return element("table", {}, element("caption", {}, sum), tableHead(names), element("tbody", {}, ...rows));
}
