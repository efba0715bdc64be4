// Says in a sentence or two what a layer does, with its numbers.
import { grouped, times } from "./dom.js";
import { activation, pair } from "./arithmetic.js";

const AFTER = {
  relu: "Then ReLU: what is negative becomes 0.",
  softmax: "Then softmax makes probabilities of the numbers: e to the power of each, divided by the sum of all; they add up to 1. (Shown below is what comes before it.)",
  sigmoid: "Then the sigmoid squeezes each number in between 0 and 1.",
  tanh: "Then tanh squeezes each number in between -1 and 1.",
};

// `layer` is of a summary, `shapes` the shapes by name, `args` its Keras arguments, or null where they are not known yet.
export function explain(layer, shapes, args) {
  const inputs = layer.inputs.map((name) => shapes[name]);
  const say = SENTENCES[layer.type] ?? general;
  const from = layer.inputs[0] === "input" ? "the picture" : `the ${inputs[0]?.length === 1 ? "numbers" : "maps"} of the layer before`;
  const words = say({ ...layer, in: inputs[0] ?? [], inputs: layer.inputs, out: layer.output_shape, args: args ?? {}, isKnown: args !== null, from });
  const then = layer.type === "Activation" ? "" : after(args);
  return [words, then].filter(Boolean).join(" ");
}

function after(args) {
  const name = args?.activation ?? "linear";
  return name === "linear" ? "" : AFTER[name] ?? `Then each number goes through the function ${name}.`;
}

const learned = (params, product) => (params === 0 ? "Nothing to learn." : `${product ? `${product} = ` : ""}${grouped(params)} numbers to learn.`);
const area = ([height, width]) => `${height} × ${width}`;

const SENTENCES = {
  Conv2D({ in: input, out, params, args, isKnown, from }) {
    if (!isKnown) return `${out[2]} filters slide over ${from}; each makes a map of ${area(out)}. ${learned(params)}`;
    const [rows, columns] = pair(args.kernel_size);
    const channels = input[2] / (args.groups ?? 1);
    const depth = channels === 1 ? "" : `, ${channels} deep,`;
    const bias = params % out[2] === 0 && params === out[2] * rows * columns * channels ? "" : " + 1";
    const numbers = `${rows * columns}${channels === 1 ? "" : ` × ${channels}`}`;
    const product = bias ? `${out[2]} × (${numbers} + 1)` : `${out[2]} × ${numbers}`;
    const over = from === "the picture" ? `the ${area(input)} picture` : `${from}, ${input[2]} of ${area(input)}`;
    return [
      `${out[2]} filters of ${rows} × ${columns}${depth} slide over ${over}; each makes a map of ${area(out)}.`,
      "At each place the numbers under the filter are multiplied by the filter's own, and added up.",
      moves(args),
      learned(params, product),
    ].filter(Boolean).join(" ");
  },
  DepthwiseConv2D({ in: input, out, params, args }) {
    const size = args.kernel_size ? `of ${area(pair(args.kernel_size))} ` : "";
    return [`Each of the ${input[2]} maps has a filter ${size}of its own, which slides over that map alone: ${out[2]} maps of ${area(out)}.`, moves(args), learned(params)].filter(Boolean).join(" ");
  },
  MaxPooling2D({ in: input, out, args }) {
    return `Of each window of ${area(pair(args.pool_size ?? 2))} the largest number stays: maps of ${area(input)} become ${area(out)}. What a filter has found is kept, and exactly where it was matters less. Nothing to learn.`;
  },
  AveragePooling2D({ in: input, out, args }) {
    return `Each window of ${area(pair(args.pool_size ?? 2))} becomes its mean: maps of ${area(input)} become ${area(out)}. Nothing to learn.`;
  },
  GlobalAveragePooling2D: ({ in: input, out }) => `Each of the ${input[2]} maps of ${area(input)} becomes one number, its mean: ${out.at(-1)} numbers. Nothing to learn.`,
  GlobalMaxPooling2D: ({ in: input, out }) => `Each of the ${input[2]} maps of ${area(input)} becomes one number, its largest: ${out.at(-1)} numbers. Nothing to learn.`,
  Flatten({ in: input, out }) {
    const what = input[2] === 1 ? `The ${area(input)} picture is` : `The ${input[2]} maps of ${area(input)} are`;
    return `${input.length === 3 ? what : "All numbers are"} laid out as one row of ${grouped(out[0])} numbers. Nothing to learn, nothing is computed.`;
  },
  Dense({ in: input, out, params }) {
    const [from, units] = [input.at(-1), out.at(-1)];
    const hasBias = params === units * (from + 1);
    const product = `${grouped(units)} × ${hasBias ? `(${grouped(from)} + 1)` : grouped(from)}`;
    return `Each of its ${grouped(units)} units multiplies all ${grouped(from)} numbers by its own weights and adds them up${hasBias ? ", with a bias" : ""}. ${learned(params, product)}`;
  },
  Dropout: ({ args }) => `While it learns, ${args.rate ? `${Math.round(100 * args.rate)} % of the` : "some"} numbers, others each time, become 0, so that nothing hangs on one of them; when it answers, all take part. Nothing to learn.`,
  BatchNormalization({ out, params }) {
    return `Each of the ${out.at(-1)} ${out.length === 3 ? "maps" : "numbers"} is shifted and scaled so that over a batch its mean is 0 and its variance 1, then scaled and shifted by two numbers that are learned; mean and variance are kept for later. ${out.at(-1)} × 4 = ${grouped(params)} numbers.`;
  },
  Activation: ({ args }) => after(args).replace(/^Then /, "").replace(/^./, (first) => first.toUpperCase()) || "Each number goes through a function. Nothing to learn.",
  ReLU: ({ args }) => `${args.max_value ? `What is negative becomes 0, what is above ${args.max_value} becomes ${args.max_value}` : "What is negative becomes 0"}; the rest stays. Without such a bend all layers together could do no more than one.`,
  Add: ({ inputs, out }) => `Adds ${inputs.join(" and ")}, number by number: ${times(out)}. Such a short cut lets deep networks learn. Nothing to learn here.`,
  Concatenate: ({ inputs, out }) => `Puts ${inputs.join(" and ")} beside each other: ${times(out)}. Nothing to learn.`,
};

function general({ type, in: input, out, params }) {
  return `${type}: ${input.length ? `${times(input)} numbers become ${times(out)}` : `gives ${times(out)} numbers`}. ${learned(params)}`;
}

function moves({ strides = 1, padding }) {
  const [down, right] = pair(strides);
  const step = down > 1 || right > 1 ? `It moves ${down === right ? down : `${down} and ${right}`} pixels at a time.` : "";
  const edge = padding === "same" ? "Zeros are added around the edge." : "";
  return [step, edge].filter(Boolean).join(" ");
}

// What an activation of a layer is called in a sum.
export function activationName(layer) {
  const { name } = activation(layer);
  return name === "relu" ? "ReLU" : name;
}
