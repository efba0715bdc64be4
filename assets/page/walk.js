// A filter slides over the picture: what a number of a map is made of, place by place.
import { call } from "./engine.js";
import { byId, element, greyScale, grouped, paintValues, short, show, tableHead, tableRow } from "./dom.js";
import { explainNumber, windowOf } from "./arithmetic.js";
import { activationName } from "./explain.js";
import { layerOf, lookAt } from "./look.js";

const STEP_MS = 500;
const TOLERANCE = 1e-3;
// Contributions of a dense layer that are listed.
const TERMS = 12;

// `getPicture` gives the picture to look at, `report` is told what each step found. Opens by `open`.
export function createWalk(getPicture, report) {
  const panel = byId("walk");
  const position = byId("walk-position");
  const channelOf = byId("walk-channel");
  let open = null, timer;

  // Looks again, with the weights as they are now; the two calls follow each other, so that both see the same.
  async function refresh() {
    const mine = open;
    const picture = getPicture();
    if (!mine || !picture) return;
    const [look, reply] = await Promise.all([lookAt(picture), call({ call: "layer", name: mine.name })]);
    if (open !== mine) return;
    const output = look.outputs.get(mine.name);
    Object.assign(mine, { output, layer: layerOf(reply), inputs: output.inputs.map((name) => look.outputs.get(name)) });
    if (mine.at === undefined) begin();
    draw();
  }

  function begin() {
    const { output: { shape, values }, map } = open;
    open.isFlat = shape.length === 1;
    open.count = open.isFlat ? shape[0] : shape[0] * shape[1];
    position.max = open.count - 1;
    show("walk-of", open.isFlat ? "Number" : "Place");
    // The row where the map has most to show.
    let most = 0;
    if (!open.isFlat) for (let i = 0; i < open.count; i++) if (Math.abs(values[i * shape[2] + map]) > Math.abs(values[most * shape[2] + map])) most = i;
    open.at = open.isFlat ? map : most - (most % shape[1]);
    listChannels();
    panel.hidden = false;
    play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  function listChannels() {
    const { type, channels } = explanation();
    const isChosen = type === "window" && channels.length > 1;
    byId("walk-channels").hidden = !isChosen;
    const ordered = isChosen ? [...channels].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)) : [];
    channelOf.replaceChildren(
      element("option", { value: "" }, "the strongest here"),
      ...ordered.map(({ channel }) => element("option", { value: channel }, String(channel + 1))),
    );
  }

  function place() {
    const { at, map, isFlat, output: { shape } } = open;
    return isFlat ? { row: 0, column: 0, map: at } : { row: Math.floor(at / shape[1]), column: at % shape[1], map };
  }

  const explanation = () => explainNumber(open.layer, open.inputs, open.output, place());

  function draw() {
    const explained = explanation();
    const at = place();
    const { name, isFlat, output } = open;
    position.value = open.at;
    const where = isFlat ? `unit ${at.map + 1}` : `map ${at.map + 1}, row ${at.row + 1}, column ${at.column + 1}`;
    show("walk-title", `${name}, ${where}`);
    position.setAttribute("aria-valuetext", where);
    let channel = explained.channel;
    if (explained.type === "window") {
      const strongest = explained.channels.reduce((best, one) => (Math.abs(one.sum) > Math.abs(best.sum) ? one : best));
      channel = channelOf.value === "" ? strongest.channel : Number(channelOf.value);
    } else if (explained.type === "lines" && !isFlat) {
      channel = at.map;
    }
    drawInput(channel, at);
    byId("walk-output").hidden = isFlat;
    if (!isFlat) drawMap(byId("walk-output"), output, at.map, { row: at.row, column: at.column, rows: 1, columns: 1 });
    byId("walk-numbers").replaceChildren(...WRITERS[explained.type](explained, open, channel));
    const text = resultText(explained, channel);
    show("walk-sum", text);
    report({ layer: name, ...at, channel, kind: open.layer.kind, sum: explained.after, found: explained.found, agrees: agrees(explained), winner: explained.winner, window: explained.window });
  }

  function drawInput(channel, at) {
    const [input] = open.inputs;
    const isMap = input.shape.length === 3 && channel !== undefined;
    byId("walk-input").hidden = !isMap;
    if (!isMap) return;
    const { layer, output } = open;
    let box = { row: at.row, column: at.column, rows: 1, columns: 1 };
    if (/Conv2D|Pooling2D/.test(layer.kind)) {
      const { size, strides, dilation, before } = windowOf(layer, input.shape, output.shape);
      const reach = (axis) => (size[axis] - 1) * dilation[axis] + 1;
      box = { row: at.row * strides[0] - before[0], column: at.column * strides[1] - before[1], rows: reach(0), columns: reach(1) };
    }
    drawMap(byId("walk-input"), input, channel, box);
  }

  function step(by) {
    if (!open || open.at === undefined) return;
    open.at = (((open.at + by) % open.count) + open.count) % open.count;
    draw();
  }

  function play(isOn) {
    clearInterval(timer);
    timer = isOn ? setInterval(() => step(1), STEP_MS) : undefined;
    show("walk-play", isOn ? "Hold" : "Play");
  }

  // By hand: holds, and says what it comes to.
  function go(by) {
    play(false);
    step(by);
    show("walk-said", `${byId("walk-title").textContent}: ${byId("walk-sum").textContent}`);
  }

  function close() {
    play(false);
    const from = open?.from;
    open = null;
    panel.hidden = true;
    byId("layers").after(panel);
    return from;
  }

  byId("walk-play").addEventListener("click", () => play(timer === undefined));
  byId("walk-back").addEventListener("click", () => go(-1));
  byId("walk-on").addEventListener("click", () => go(1));
  byId("walk-close").addEventListener("click", () => close()?.focus());
  position.addEventListener("input", () => go(Number(position.value) - open.at));
  channelOf.addEventListener("change", () => draw());
  panel.addEventListener("keydown", (event) => {
    if (event.target === channelOf || event.target === position || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") return void close()?.focus();
    const row = open?.isFlat ? 1 : open?.output.shape[1];
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    go(by);
  });
  byId("walk-output").addEventListener("click", (event) => {
    const { left, top, width, height } = event.target.getBoundingClientRect();
    const [rows, columns] = open.output.shape;
    const at = Math.floor((rows * (event.clientY - top)) / height) * columns + Math.floor((columns * (event.clientX - left)) / width);
    go(at - open.at);
  });

  return {
    refresh,
    close,
    get isOpen() { return open !== null; },
    async open(name, map, from, after) {
      close();
      open = { name, map, from };
      after.append(panel);
      await refresh();
      panel.scrollIntoView({ block: "nearest" });
    },
  };
}

// A map, larger, with a box around what is meant.
function drawMap(canvas, { shape: [height, width, count], values }, channel, { row, column, rows, columns }) {
  const scale = Math.max(1, Math.floor(224 / Math.max(height, width)));
  Object.assign(canvas, { width: width * scale, height: height * scale });
  const small = new OffscreenCanvas(width, height);
  paintValues(small, values, height, width, channel, count, greyScale(values));
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  for (const [color, line] of [["#000", 5], ["#ffb000", 3]]) {
    Object.assign(context, { strokeStyle: color, lineWidth: line });
    context.strokeRect(column * scale, row * scale, columns * scale, rows * scale);
  }
}

function grid(caption, values, columns, marked) {
  const rows = [];
  for (let i = 0; i < values.length; i += columns) {
    rows.push(element("tr", {}, ...values.slice(i, i + columns).map((value, j) => {
      const text = value === null ? "outside" : short(value);
      return element("td", i + j === marked ? { class: "won" } : {}, i + j === marked ? `${text} ◀` : text);
    })));
  }
  return element("div", { class: "grid-of-numbers" }, element("table", {}, element("caption", {}, caption), element("tbody", {}, ...rows)));
}

const sign = (text) => element("span", { class: "sign", "aria-hidden": "true" }, text);

const WRITERS = {
  window({ columns, channels }, { inputs }, shown) {
    const one = channels.find(({ channel }) => channel === shown) ?? channels[0];
    const from = inputs[0].name === "input" ? "The picture's numbers" : `Numbers of map ${one.channel + 1} of ${inputs[0].name}`;
    return [grid(from, one.window, columns), sign("×"), grid("The filter's", one.weights, columns), sign("="), grid("Products", one.products, columns)];
  },
  pool({ columns, window, winner }) {
    return [grid(winner === null ? "The window's numbers" : "The window's numbers, the largest marked", window, columns, winner ?? undefined)];
  },
  weights({ terms }, { inputs: [{ name, shape }] }) {
    const where = (index) => {
      if (shape.length === 1) return `unit ${index + 1}`;
      const [, width, count] = shape;
      const at = Math.floor(index / count);
      return `${count > 1 ? `map ${(index % count) + 1}, ` : ""}row ${Math.floor(at / width) + 1}, column ${(at % width) + 1}`;
    };
    const body = terms.slice(0, TERMS).map(({ index, value, weight, product }) => tableRow(where(index), [short(value), short(weight), short(product)]));
    const caption = element("caption", {}, `The strongest of ${grouped(terms.length)} contributions from ${name === "input" ? "the picture" : name}`);
    return [element("table", {}, caption, tableHead(["Number", "It is", "Weight", "Product"]), element("tbody", {}, ...body))];
  },
  lines({ lines }) {
    return [element("table", {}, element("tbody", {}, ...lines.map(([name, value]) => tableRow(name, [short(value)]))))];
  },
};

const agrees = ({ after, found }) => (after === undefined ? null : Math.abs(after - found) <= TOLERANCE * Math.max(1, Math.abs(found)));

function resultText(explained, channel) {
  const { type, after, found } = explained;
  const end = { true: `The layer has ${short(found)} here: the same.`, false: `The layer has ${short(found)} here, which is another number.`, null: `The layer has ${short(found)} here.` }[agrees(explained)];
  if (type === "pool") return `${explained.winner === null ? `Mean of ${explained.count} numbers` : "The largest number"}: ${short(after)}. ${end}`;
  if (type === "lines") return after === undefined ? end : `Together: ${short(after)}. ${end}`;
  const one = explained.channels?.find((other) => other.channel === channel);
  const share = explained.channels?.length > 1 && one ? `Channel ${channel + 1} gives ${short(one.sum)}, the others ${short(explained.sum - one.sum)}. ` : "";
  const parts = explained.channels?.length > 1 ? `Sum of the products of all ${explained.channels.length} channels` : "Sum of the products";
  const last = explained.activation === "linear" || explained.activation === "softmax" || after === undefined ? "" : `, after ${activationName({ kind: "", args: { activation: explained.activation } })} ${short(after)}`;
  return `${share}${parts} ${short(explained.sum)} + bias ${short(explained.bias)} = ${short(explained.total)}${last}. ${end}`;
}
