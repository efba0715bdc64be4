"""JAX: one jitted step per call; on a GPU, where launch overhead matters, also a `lax.scan` over 100 steps."""
import functools
import os

import common
import jax
import jax.numpy as jnp
import models
import numpy

options = common.arguments()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])  # XLA makes a thread per core it may use
layers = models.without_softmax(models.read(options.model))
generator = numpy.random.default_rng(0)
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}


def initial(layer, shape):
    """Initial parameters of a layer over inputs of `shape`, and initial moving averages."""
    channels = shape[-1]
    match layer["type"]:
        case "Conv2D":
            kernel = [*layer["kernel_size"], channels // layer["groups"], layer["filters"]]
        case "DepthwiseConv2D":
            kernel = [*layer["kernel_size"], 1, channels * layer["depth_multiplier"]]
        case "Dense":
            kernel = [channels, layer["units"]]
        case "BatchNormalization":
            affine = {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}
            return affine, {"mean": jnp.zeros(channels), "variance": jnp.ones(channels)}
        case _:
            return {}, {}
    limit = (6 / (numpy.prod(kernel[:-2], dtype=int) * (kernel[-2] + kernel[-1]))) ** 0.5
    values = {"kernel": jnp.asarray(generator.uniform(-limit, limit, kernel), jnp.float32)}
    return values | ({"bias": jnp.zeros(kernel[-1])} if layer["use_bias"] else {}), {}


def pooled(layer, x, start, function):
    window, strides = (1, *layer["pool_size"], 1), (1, *layer["strides"], 1)
    return jax.lax.reduce_window(x, start, function, window, strides, layer["padding"].upper())


def activated(layer, parameters, product):
    return ACTIVATIONS[layer["activation"]](product + parameters["bias"] if "bias" in parameters else product)


def apply(layer, parameters, averages, key, x, *others):
    """The output of a layer in training mode, and its moving averages after the step."""
    match layer["type"]:
        case "Conv2D" | "DepthwiseConv2D":
            groups = layer.get("groups", x.shape[-1])
            dimensions = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": groups}
            strides, padding = layer["strides"], layer["padding"].upper()
            product = jax.lax.conv_general_dilated(x, parameters["kernel"], strides, padding, **dimensions)
            x = activated(layer, parameters, product)
        case "Dense":
            x = activated(layer, parameters, x @ parameters["kernel"])
        case "BatchNormalization":
            axes = tuple(range(x.ndim - 1))
            mean = x.mean(axes)
            variance = jnp.maximum((x * x).mean(axes) - mean * mean, 0)
            x = (x - mean) * (jax.lax.rsqrt(variance + layer["epsilon"]) * parameters["gamma"]) + parameters["beta"]
            batch = {"mean": mean, "variance": variance}
            averages = jax.tree.map(lambda a, b: b + layer["momentum"] * (a - b), averages, batch)
        case "Activation":
            x = ACTIVATIONS[layer["activation"]](x)
        case "ReLU":
            x = jnp.clip(x, 0, layer["max_value"])
        case "MaxPooling2D":
            x = pooled(layer, x, -jnp.inf, jax.lax.max)
        case "AveragePooling2D":
            x = pooled(layer, x, 0.0, jax.lax.add) / pooled(layer, jnp.ones((1, *x.shape[1:3], 1)), 0.0, jax.lax.add)
        case "GlobalAveragePooling2D":
            x = x.mean((1, 2))
        case "Add":
            x = functools.reduce(jnp.add, others, x)
        case "Flatten":
            x = x.reshape(len(x), -1)
        case "Dropout":
            keep = 1 - layer["rate"]
            x = jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0)
    return x, averages


def logits(parameters, averages, key, x):
    values, after = {models.IMAGES: x}, {}
    for index, (name, inputs, layer) in enumerate(layers):
        arguments = (parameters[name], averages[name], jax.random.fold_in(key, index), *(values[i] for i in inputs))
        values[name], after[name] = x, _ = apply(layer, *arguments)
    return x, after


def loss(parameters, averages, key, x, y):
    x, averages = logits(parameters, averages, key, x)
    return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean(), averages


def update(state, batch):
    parameters, averages, first, second, t = state
    t = t + 1
    key = jax.random.fold_in(jax.random.key(0), t)
    (value, averages), gradient = jax.value_and_grad(loss, has_aux=True)(parameters, averages, key, *batch)
    first = jax.tree.map(lambda m, g: m + 0.1 * (g - m), first, gradient)
    second = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), second, gradient)
    step_size = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    parameters = jax.tree.map(lambda p, m, v: p - step_size * m / (jnp.sqrt(v) + 1e-7), parameters, first, second)
    return (parameters, averages, first, second, t), value


parameters, averages, shapes = {}, {}, {models.IMAGES: jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)}
for name, inputs, layer in layers:
    sources = [shapes[source] for source in inputs]
    parameters[name], averages[name] = initial(layer, sources[0].shape)
    arguments = (parameters[name], averages[name], jax.random.key(0), *sources)
    shapes[name], _ = jax.eval_shape(functools.partial(apply, layer), *arguments)
first, second = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
count = sum(leaf.size for leaf in jax.tree.leaves((parameters, averages)))
x, y = common.images(options.data)
feed = common.batches(x, y, options.batch_size)
state = (parameters, averages, first, second, jnp.int32(0))
step = jax.jit(update, donate_argnums=0)


def train():
    global state
    state, value = step(state, next(feed))
    return value


def wait():
    jax.block_until_ready(state)


platform = jax.devices()[0].platform
common.run(f"JAX {jax.__version__}, {platform}", options, count, train, wait)
if platform != "cpu":
    WINDOW = 100
    scan = jax.jit(functools.partial(jax.lax.scan, update), donate_argnums=0)

    def train_window():
        global state
        window = [next(feed) for _ in range(WINDOW)]
        state, values = scan(state, tuple(map(numpy.stack, zip(*window))))
        return values[-1]

    options.steps, options.warmup = 10, 2
    common.run(f"JAX {jax.__version__}, {platform}, scan of {WINDOW} steps (ms for all)", options, count, train_window, wait)
