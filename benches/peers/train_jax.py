"""JAX: one jitted step per call; on a GPU, where launch overhead matters, also a `lax.scan` over 100 steps."""
import common
import jax
import jax.numpy as jnp
import numpy

options = common.arguments()
generator = numpy.random.default_rng(0)
shapes = [(1600 if options.model == "cnn" else 784, 128), (128, 10)]
shapes = [(3, 3, 1, 64), (3, 3, 64, 64), *shapes] if options.model == "cnn" else shapes


def initial(shape):
    fan = numpy.prod(shape[:-2], dtype=int) * (shape[-2] + shape[-1])
    limit = (6 / fan) ** 0.5
    return jnp.asarray(generator.uniform(-limit, limit, shape), jnp.float32), jnp.zeros(shape[-1])


parameters = [initial(shape) for shape in shapes]
first, second = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))


def logits(parameters, x):
    for kernel, bias in parameters:
        if kernel.ndim == 4:
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + bias)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            continue
        x = x.reshape(len(x), -1) @ kernel + bias
        x = jax.nn.relu(x) if kernel.shape[1] != 10 else x
    return x


def loss(parameters, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(parameters, x)), y[:, None], 1).mean()


def update(state, batch):
    parameters, first, second, t = state
    gradient = jax.grad(loss)(parameters, *batch)
    t = t + 1
    first = jax.tree.map(lambda m, g: m + 0.1 * (g - m), first, gradient)
    second = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), second, gradient)
    step_size = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    parameters = jax.tree.map(lambda p, m, v: p - step_size * m / (jnp.sqrt(v) + 1e-7), parameters, first, second)
    return (parameters, first, second, t), None


x, y = common.images(options.data)
feed = common.batches(x, y, options.batch_size)
state = (parameters, first, second, jnp.float32(0))
step = jax.jit(lambda state, batch: update(state, batch)[0], donate_argnums=0)


def train():
    global state
    state = step(state, next(feed))


def wait():
    jax.block_until_ready(state)


platform = jax.devices()[0].platform
common.run(f"JAX {jax.__version__}, {platform}", options, train, wait)
if platform != "cpu":
    WINDOW = 100
    scan = jax.jit(lambda state, window: jax.lax.scan(update, state, window)[0], donate_argnums=0)

    def train_window():
        global state
        window = [next(feed) for _ in range(WINDOW)]
        state = scan(state, tuple(map(numpy.stack, zip(*window))))

    options.steps, options.warmup = 10, 2
    common.run(f"JAX {jax.__version__}, {platform}, scan of {WINDOW} steps (ms for all)", options, train_window, wait)
