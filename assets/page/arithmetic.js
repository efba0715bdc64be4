// What one number of a layer's output is made of: the same sums as the network's, in double precision.
// A layer is { kind, args, tensors: { kernel: { shape, values }, ... } }; arrays are { shape, values }, [height, width, channels] or [units].

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  leaky_relu: (x) => (x < 0 ? 0.2 * x : x),
  elu: (x) => (x < 0 ? Math.exp(x) - 1 : x),
  selu: (x) => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * (Math.exp(x) - 1) : x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  silu: (x) => x / (1 + Math.exp(-x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  hard_sigmoid: (x) => Math.min(1, Math.max(0, x / 6 + 0.5)),
  exponential: Math.exp,
  // Of all numbers of the last layer together: what is shown is from before it.
  softmax: (x) => x,
};
const LAYER_ACTIVATIONS = { ReLU: "relu", Softmax: "softmax", ELU: "elu" };

export function activation({ kind, args }) {
  const name = LAYER_ACTIVATIONS[kind] ?? args.activation ?? "linear";
  return { name, f: ACTIVATIONS[name] };
}

export const pair = (value) => (Array.isArray(value) ? value : [value, value]);

// Where a window lies: how large it is, how far it goes each time, and the zeros before the first row and column.
export function windowOf({ kind, args, tensors }, [height, width], [outHeight, outWidth]) {
  if (kind.startsWith("Global")) return { size: [height, width], strides: [1, 1], dilation: [1, 1], before: [0, 0] };
  const size = tensors.kernel?.shape.slice(0, 2) ?? pair(args.kernel_size ?? args.pool_size ?? 2);
  const strides = pair(args.strides ?? (kind.includes("Pooling") ? size : 1));
  const dilation = pair(args.dilation_rate ?? 1);
  const before = [0, 1].map((axis) => {
    if (args.padding !== "same") return 0;
    const reach = (size[axis] - 1) * dilation[axis] + 1;
    const total = ([outHeight, outWidth][axis] - 1) * strides[axis] + reach - [height, width][axis];
    return Math.max(0, Math.floor(total / 2));
  });
  return { size, strides, dilation, before };
}

// The places of a window in a channel, null outside of the picture.
function places({ size, strides, dilation, before }, [height, width], row, column) {
  const found = [];
  for (let i = 0; i < size[0]; i++) {
    for (let j = 0; j < size[1]; j++) {
      const y = row * strides[0] - before[0] + i * dilation[0];
      const x = column * strides[1] - before[1] + j * dilation[1];
      found.push(y < 0 || y >= height || x < 0 || x >= width ? null : y * width + x);
    }
  }
  return found;
}

// `at` is { row, column, map }: of an output of one axis, `map` is the unit.
export function explainNumber(layer, inputs, output, at) {
  const { kind } = layer;
  if (kind === "Conv2D" || kind === "DepthwiseConv2D") return convolution(layer, inputs[0], output, at);
  if (/^(Global)?(Max|Average)Pooling2D$/.test(kind)) return pooling(layer, inputs[0], output, at);
  if (kind === "Dense") return weighted(layer, inputs[0], output, at);
  return elementwise(layer, inputs, output, at);
}

function found({ shape, values }, { row, column, map }) {
  return shape.length === 1 ? values[map] : values[(row * shape[1] + column) * shape[2] + map];
}

function convolution(layer, input, output, at) {
  const { kernel, bias } = layer.tensors;
  const [rows, columns, depth, filters] = kernel.shape;
  const inputChannels = input.shape[2];
  const cover = windowOf(layer, input.shape, output.shape);
  const cells = places(cover, input.shape, at.row, at.column);
  const isDepthwise = layer.kind === "DepthwiseConv2D";
  // Channels that this filter sees: one, those of its group, or all.
  const first = isDepthwise ? Math.floor(at.map / filters) : Math.floor(at.map / (filters / (inputChannels / depth))) * depth;
  const count = isDepthwise ? 1 : depth;
  const weight = (cell, i) => (isDepthwise
    ? kernel.values[(cell * depth + first) * filters + (at.map % filters)]
    : kernel.values[(cell * depth + i) * filters + at.map]);
  const channels = Array.from({ length: count }, (_, i) => {
    const window = cells.map((place) => (place === null ? 0 : input.values[place * inputChannels + first + i]));
    const weights = cells.map((_, cell) => weight(cell, i));
    const products = window.map((value, cell) => value * weights[cell]);
    return { channel: first + i, window, weights, products, sum: total(products) };
  });
  return { type: "window", rows, columns, cells, channels, ...sums(layer, total(channels.map(({ sum }) => sum)), bias?.values[at.map]), found: found(output, at) };
}

function pooling(layer, input, output, at) {
  const cover = windowOf(layer, input.shape, output.shape);
  const cells = places(cover, input.shape, at.row, at.column);
  const window = cells.map((place) => (place === null ? null : input.values[place * input.shape[2] + at.map]));
  const inside = window.filter((value) => value !== null);
  const isMax = layer.kind.includes("Max");
  const most = Math.max(...inside);
  const after = isMax ? most : total(inside) / inside.length;
  const [rows, columns] = cover.size;
  return { type: "pool", rows, columns, cells, window, channel: at.map, winner: isMax ? window.indexOf(most) : null, count: inside.length, after, found: found(output, at) };
}

function weighted(layer, input, output, at) {
  const { kernel, bias } = layer.tensors;
  const [length, units] = kernel.shape;
  const row = (at.row * (output.shape[1] ?? 0) + at.column) * length;
  const from = output.shape.length === 1 ? 0 : row;
  const terms = Array.from({ length }, (_, index) => {
    const value = input.values[from + index];
    const weight = kernel.values[index * units + at.map];
    return { index, value, weight, product: value * weight };
  });
  const sum = total(terms.map(({ product }) => product));
  terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  return { type: "weights", terms, ...sums(layer, sum, bias?.values[at.map]), found: found(output, at) };
}

function elementwise(layer, inputs, output, at) {
  const values = inputs.map((input) => found(input, at));
  const lines = values.map((value, i) => [inputs.length > 1 ? `number of input ${i + 1}` : "number of the layer before", value]);
  let after;
  if (layer.kind === "BatchNormalization") {
    const of = (name, usual) => layer.tensors[name]?.values[at.map] ?? usual;
    const [middle, variance, scale, shift] = [of("moving_mean", 0), of("moving_variance", 1), of("gamma", 1), of("beta", 0)];
    lines.push(["mean", middle], ["variance", variance], ["gamma, the learned factor", scale], ["beta, the learned summand", shift]);
    after = ((values[0] - middle) / Math.sqrt(variance + (layer.args.epsilon ?? 0.001))) * scale + shift;
  } else if (layer.kind === "Add") {
    after = total(values);
  } else if (["Activation", "ReLU", "ELU", "Softmax"].includes(layer.kind) && !hasOptions(layer.args)) {
    after = activation(layer).f?.(values[0]);
  }
  return { type: "lines", lines, after, found: found(output, at) };
}

const hasOptions = ({ max_value: most, negative_slope: slope, threshold }) => Boolean((most !== undefined && most !== null) || slope || threshold);

function sums(layer, sum, bias = 0) {
  const { name, f } = activation(layer);
  return { sum, bias, total: sum + bias, activation: name, after: f?.(sum + bias) };
}

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
