"""Trajectories of small Keras models that together have every layer, activation and optimizer, for tests/trajectories.rs.

    python make_layers.py DATA_DIR OUT_DIR

DATA_DIR holds what `gpu-cnn synthetic DATA_DIR --seed 7 --train 3200 --test 2000` writes. For each model OUT_DIR/NAME gets init.safetensors
(LAYER.WEIGHT, Keras's names and layouts) and golden.json: the model in this project's form, the settings, and the losses of up to 60 steps of
32 images in file order, and over these images after the training: in float64, in float32, and in six more float32 runs from weights disturbed by one part in 2^23.
A model with BatchNormalization also has the loss over the first 512 test images after that, in inference."""
import json, os, struct, subprocess, sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
FLOAT = os.environ.setdefault("FLOATX", "float32")
import numpy as np, keras

keras.config.set_floatx(FLOAT)
import tensorflow as tf
from keras import layers as L, optimizers as O

DATA, OUT = sys.argv[1:3]
STEPS, BATCH = 60, 32


def idx(name):
    raw = open(os.path.join(DATA, name), "rb").read()
    dims = struct.unpack(">" + "I" * raw[3], raw[4 : 4 + 4 * raw[3]])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


TEST = 512
TEST_X = idx("t10k-images-idx3-ubyte")[:TEST, ..., None].astype(FLOAT) / 255
TEST_Y = idx("t10k-labels-idx1-ubyte")[:TEST].astype("i4")
X = idx("train-images-idx3-ubyte")[..., None]
Y = idx("train-labels-idx1-ubyte").astype("i4")


def conv(filters, size, **more):
    return dict(type="Conv2D", filters=filters, kernel_size=size, **more)


def dense(units, activation):
    return dict(type="Dense", units=units, activation=activation)


END = [dict(type="Flatten"), dense(10, "softmax")]
CHAINS = {
    "sgd": ([conv(4, 3, activation="relu6"), dict(type="AveragePooling2D", pool_size=2), conv(6, 3, strides=2, padding="same", activation="leaky_relu"), *END], dict(optimizer="sgd", learning_rate=0.05)),
    "momentum": ([conv(4, 3, strides=2, activation="elu"), dict(type="AveragePooling2D", pool_size=3, strides=2, padding="same"), dict(type="Flatten"), dense(16, "selu"), dense(10, "softmax")], dict(optimizer="sgd", learning_rate=0.02, momentum=0.9)),
    "nesterov": ([conv(5, 3, strides=2, padding="same", activation="gelu"), dict(type="MaxPooling2D"), conv(6, 2, activation="silu"), *END], dict(optimizer="sgd", learning_rate=0.02, momentum=0.8, nesterov=True)),
    "adamw": ([conv(4, [5, 3], strides=[2, 3], activation="tanh"), dict(type="Flatten"), dense(12, "softplus"), dense(10, "softmax")], dict(optimizer="adamw", learning_rate=0.003, weight_decay=0.1)),
    "rmsprop": ([conv(8, 3, strides=2, activation="hard_sigmoid"), conv(8, 3, activation="relu"), dict(type="GlobalAveragePooling2D"), dense(10, "softmax")], dict(optimizer="rmsprop", learning_rate=0.003)),
    "rmsprop_momentum": ([conv(8, 5, strides=2, activation="relu"), dict(type="GlobalMaxPooling2D"), dense(12, "sigmoid"), dense(10, "softmax")], dict(optimizer="rmsprop", learning_rate=0.002, momentum=0.7)),
    "adagrad": ([dict(type="ZeroPadding2D", padding=[[1, 0], [2, 1]]), conv(4, 3, strides=2), dict(type="ReLU", max_value=0.8, negative_slope=0.1), dict(type="MaxPooling2D", pool_size=3, strides=2, padding="same"), conv(6, 2), dict(type="LeakyReLU"), *END], dict(optimizer="adagrad", learning_rate=0.02)),
    "nadam": ([conv(4, 3, strides=3), dict(type="ELU", alpha=0.7), dict(type="Reshape", target_shape=[9, 36]), dict(type="Flatten"), dense(14, "relu"), dict(type="Dense", units=10), dict(type="Softmax")], dict(optimizer="nadam", learning_rate=0.003)),
    "lion": ([conv(6, 3, strides=2, activation="relu"), dict(type="MaxPooling2D"), *END], dict(optimizer="lion", learning_rate=0.001, weight_decay=0.05)),
    "cosine": ([conv(4, 3, strides=3, activation="relu"), dict(type="MaxPooling2D"), *END], dict(optimizer="sgd", learning_rate=0.05, momentum=0.9, schedule="cosine", weight_decay=0.02)),
    "warmup": ([conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="adamw", learning_rate=0.01, schedule="cosine", warmup=10)),
    "exponential": ([conv(4, 3, strides=3, activation="elu"), *END], dict(optimizer="adam", learning_rate=0.01, schedule="exponential", decay_steps=20, decay_rate=0.3)),
    "step": ([conv(4, 3, strides=3, activation="elu"), *END], dict(optimizer="rmsprop", learning_rate=0.01, schedule="step", decay_steps=20, decay_rate=0.3)),
    "convolutions": ([conv(6, 3, dilation_rate=[2, 1], strides=1, activation="relu"), conv(9, 3, groups=3, strides=2, padding="same", use_bias=False), dict(type="DepthwiseConv2D", kernel_size=3, strides=2, padding="same", activation="relu"), conv(12, 2, dilation_rate=2, use_bias=False), dict(type="Flatten"), dense(10, "softmax")], dict(optimizer="adam", learning_rate=0.003)),
    "separable": ([dict(type="DepthwiseConv2D", kernel_size=[3, 2], depth_multiplier=4, dilation_rate=[2, 3], use_bias=False), dict(type="SeparableConv2D", filters=6, kernel_size=3, strides=3, padding="same", depth_multiplier=2, activation="relu"), dict(type="SeparableConv2D", filters=5, kernel_size=2, dilation_rate=2, use_bias=False), dict(type="Flatten"), dict(type="Dense", units=10, activation="softmax", use_bias=False)], dict(optimizer="sgd", learning_rate=0.02, momentum=0.9)),
    "batch_norm": ([conv(4, 3, strides=2), dict(type="BatchNormalization"), dict(type="ReLU"), dict(type="MaxPooling2D"), conv(6, 3), dict(type="BatchNormalization", momentum=0.8, epsilon=0.01), *END], dict(optimizer="sgd", learning_rate=0.02, momentum=0.9)),
    "layer_norm": ([conv(4, 3, strides=4, activation="elu"), dict(type="LayerNormalization", axis=[1, 2, 3]), conv(6, 3), dict(type="LayerNormalization", epsilon=0.01), *END], dict(optimizer="adam", learning_rate=0.003)),
    "prelu": ([conv(4, 3, strides=3), dict(type="PReLU", shared_axes=[1, 2]), dict(type="BatchNormalization", center=False, scale=False), dict(type="Flatten"), dict(type="Dense", units=14), dict(type="PReLU"), dense(10, "softmax")], dict(optimizer="adam", learning_rate=0.003)),
    "rescaling": ([dict(type="Rescaling", scale=1 / 127.5, offset=-1.0), conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="adam", learning_rate=0.003)),
    "normalization": ([dict(type="Normalization", mean=[72.5], variance=[8100.25]), conv(4, 3, strides=3, activation="tanh"), dict(type="Normalization", mean=[0.25, -0.5, 0.0, 1.0], variance=[0.5, 1.0, 2.25, 0.25]), conv(4, 3), dict(type="Normalization", mean=0.5, variance=0.75, axis=[], invert=True), *END], dict(optimizer="adam", learning_rate=0.003)),
    "normalization_adapted": ([dict(type="Normalization"), conv(4, 3, strides=3, activation="tanh"), dict(type="Normalization"), conv(4, 3), dict(type="Normalization", axis=[], invert=True), *END], dict(optimizer="adam", learning_rate=0.003)),
    "muon": ([conv(4, 3, strides=4, activation="relu"), dict(type="Flatten"), dense(12, "relu"), dense(20, "tanh"), dense(10, "softmax")], dict(optimizer="muon", learning_rate=0.01)),
    "clip_norm": ([conv(6, 3, strides=2, activation="relu"), dict(type="MaxPooling2D"), *END], dict(optimizer="sgd", learning_rate=0.3, clip_norm=0.2)),
    "label_smoothing": ([conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="adam", learning_rate=0.005, label_smoothing=0.1)),
    "from_logits": ([conv(4, 3, strides=3, activation="relu"), dict(type="Flatten"), dict(type="Dense", units=10)], dict(optimizer="adam", learning_rate=0.005, from_logits=True)),
    "accumulate": ([conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="adam", learning_rate=0.01, accumulate=3, weight_decay=0.02)),
    "ema": ([conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="adam", learning_rate=0.01, ema=0.8)),
    "plateau": ([conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="sgd", learning_rate=0.2, momentum=0.5, schedule="plateau", plateau_factor=0.3, plateau_patience=2, plateau_min_delta=0.3, plateau_cooldown=1, plateau_min_rate=0.005, epochs=12, steps_per_epoch=5)),
    "binary": ([conv(4, 3, strides=3, activation="relu"), dict(type="Flatten"), dense(1, "sigmoid")], dict(optimizer="adam", learning_rate=0.005, loss="binary_crossentropy", only_classes=[2, 6], label_smoothing=0.2)),
    "class_weight": ([conv(4, 3, strides=3, activation="relu"), *END], dict(optimizer="sgd", learning_rate=0.05, momentum=0.9, class_weight={"0": 2.5, "3": 0.25, "7": 0.0})),
    "clipped": ([conv(6, 3, strides=2, activation="relu"), dict(type="MaxPooling2D"), *END], dict(optimizer="adam", learning_rate=0.003, clip_value=0.01)),
}


def node(name, inputs, **layer):
    return dict(layer, name=name, inputs=inputs)


GRAPHS = {
    "joins": (
        [
            node("a", ["input"], **conv(4, 3, strides=3, activation="relu")),
            node("b", ["input"], **conv(4, 3, strides=3, activation="tanh")),
            node("c", ["input"], **conv(4, 3, strides=3)),
            node("add", ["a", "b", "c"], type="Add"),
            node("subtract", ["a", "c"], type="Subtract"),
            node("multiply", ["a", "b", "c"], type="Multiply"),
            node("average", ["add", "b", "c"], type="Average"),
            node("maximum", ["multiply", "c", "subtract"], type="Maximum"),
            node("joined", ["average", "maximum", "subtract"], type="Concatenate"),
            node("flat", ["joined"], type="Flatten"),
            node("end", ["flat"], **dense(10, "softmax")),
        ],
        dict(optimizer="adam", learning_rate=0.003, weight_decay=0.01),
    ),
    "softmax": (
        [
            node("conv", ["input"], **conv(6, 3, strides=3, activation="elu")),
            node("channels", ["conv"], type="Softmax"),
            node("gated", ["conv", "channels"], type="Multiply"),
            node("scores", ["gated"], **conv(1, 1)),
            node("pixels", ["scores"], type="Reshape", target_shape=[81]),
            node("attention", ["pixels"], type="Activation", activation="softmax"),
            node("weights", ["attention"], type="Reshape", target_shape=[9, 9, 1]),
            node("attended", ["gated", "weights"], type="Multiply"),
            node("flat", ["attended"], type="Flatten"),
            node("experts", ["flat"], **dense(5, "softmax")),
            node("hidden", ["flat"], **dense(5, "tanh")),
            node("mixed", ["experts", "hidden"], type="Multiply"),
            node("logits", ["mixed"], type="Dense", units=10),
            node("end", ["logits"], type="Activation", activation="softmax"),
        ],
        dict(optimizer="adam", learning_rate=0.01),
    ),
    "squeeze_excite": (
        [
            node("conv", ["input"], **conv(8, 3, strides=2, activation="elu")),
            node("squeeze", ["conv"], type="GlobalAveragePooling2D", keepdims=True),
            node("less", ["squeeze"], **dense(4, "silu")),
            node("excite", ["less"], **dense(8, "sigmoid")),
            node("scaled", ["conv", "excite"], type="Multiply"),
            node("mask", ["scaled"], **conv(1, 1, activation="sigmoid")),
            node("masked", ["mask", "scaled"], type="Multiply"),
            node("column", ["scaled"], type="AveragePooling2D", pool_size=[1, 13]),
            node("mean", ["masked", "column", "mask"], type="Average"),
            node("larger", ["mean", "squeeze"], type="Maximum"),
            node("bias", ["less"], **dense(8, "tanh")),
            node("shifted", ["bias", "larger", "mask"], type="Add"),
            node("difference", ["excite", "shifted"], type="Subtract"),
            node("pool", ["difference"], type="AveragePooling2D", pool_size=2),
            node("flat", ["pool"], type="Flatten"),
            node("end", ["flat"], **dense(10, "softmax")),
        ],
        dict(optimizer="adam", learning_rate=0.003),
    ),
}


# Read by the tests as Keras writes them, from assets/keras.
FILES = {"keras_json": ("nested_functional.json", dict(optimizer="adam", learning_rate=0.003))}


def keras_layer(spec):
    arguments = {k: v for k, v in spec.items() if k not in ("type", "inputs")}
    if spec["type"] == "ZeroPadding2D":
        arguments["padding"] = tuple(tuple(side) for side in spec["padding"])
    return getattr(L, spec["type"])(**arguments)


def build(name):
    if name in FILES:
        path = os.path.join(os.path.dirname(__file__), "../keras", FILES[name][0])
        return keras.models.model_from_json(open(path).read().replace('"float32"', f'"{FLOAT}"')), FILES[name]
    image = keras.Input((28, 28, 1))
    if name in CHAINS:
        y = image
        for spec in CHAINS[name][0]:
            y = keras_layer(spec)(y)
        return keras.Model(image, y), CHAINS[name]
    values = {"input": image}
    for spec in GRAPHS[name][0]:
        inputs = [values[i] for i in spec["inputs"]]
        values[spec["name"]] = keras_layer(spec)(inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(image, values["end"]), GRAPHS[name]


def optimizer(st):
    lr, more, schedules = st["learning_rate"], {}, O.schedules
    if st.get("schedule") == "cosine":
        warmup = st.get("warmup", 0)
        more_of = dict(warmup_target=lr, warmup_steps=warmup) if warmup else {}
        lr = schedules.CosineDecay(0.0 if warmup else lr, STEPS - warmup, **more_of)
    elif "decay_rate" in st:
        lr = schedules.ExponentialDecay(lr, st["decay_steps"], st["decay_rate"], staircase=st["schedule"] == "step")
    if "weight_decay" in st:
        more["weight_decay"] = st["weight_decay"]
    if "clip_value" in st:
        more["clipvalue"] = st["clip_value"]
    if "clip_norm" in st:
        more["global_clipnorm"] = st["clip_norm"]
    if "accumulate" in st:
        more["gradient_accumulation_steps"] = st["accumulate"]
    if "ema" in st:
        more.update(use_ema=True, ema_momentum=st["ema"])
    if "momentum" in st:
        more["momentum"] = st["momentum"]
    if "nesterov" in st:
        more["nesterov"] = st["nesterov"]
    kinds = dict(sgd=O.SGD, adam=O.Adam, adamw=O.AdamW, rmsprop=O.RMSprop, adagrad=O.Adagrad, nadam=O.Nadam, lion=O.Lion, muon=O.Muon)
    return kinds[st["optimizer"]](learning_rate=lr, **more)


def loss_function(st):
    smoothing, from_logits = st.get("label_smoothing", 0.0), st.get("from_logits", False)
    if st.get("loss") == "binary_crossentropy":
        of = keras.losses.BinaryCrossentropy(from_logits, smoothing)
        return lambda y, p, weights=None: of(y[:, None], p, weights)
    if smoothing:
        of = keras.losses.CategoricalCrossentropy(from_logits, smoothing)
        return lambda y, p, weights=None: of(tf.one_hot(y, 10), p, weights)
    return keras.losses.SparseCategoricalCrossentropy(from_logits)


def has(model, kind):
    return any(isinstance(layer, kind) for layer in model.layers)


def images(model, st):
    """The images of the settings' classes, numbered from 0, as many as the steps take; from 0 to 255 for a model that rescales or normalizes them."""
    x, y = X, Y
    if "only_classes" in st:
        y = np.select([Y == c for c in st["only_classes"]], range(len(st["only_classes"])), -1).astype("i4")
        x, y = x[y >= 0], y[y >= 0]
    steps = st.get("steps_per_epoch", min(STEPS, len(x) // BATCH))
    return x[: steps * BATCH].astype(FLOAT) / (1 if has(model, (L.Rescaling, L.Normalization)) else 255), y[: steps * BATCH]


def plateau(st, model, opt):
    if st.get("schedule") != "plateau":
        return None
    model.compile(optimizer=opt, loss="mse")
    names = dict(factor="factor", patience="patience", min_delta="min_delta", cooldown="cooldown", min_rate="min_lr")
    callback = keras.callbacks.ReduceLROnPlateau("loss", mode="min", **{k: st["plateau_" + n] for n, k in names.items()})
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def run(model, settings, weights):
    """The losses of the steps, and the loss over the same images of the trained model."""
    model.set_weights(weights)
    for layer in model.layers:
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    opt, losses, loss_of = optimizer(settings), [], loss_function(settings)
    callback, (x, y) = plateau(settings, model, opt), images(model, settings)
    class_weights = np.array([settings.get("class_weight", {}).get(str(c), 1.0) for c in range(10)], FLOAT)

    @tf.function
    def gradients(x, y, weights):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True), weights)
        return loss, tape.gradient(loss, model.trainable_variables)

    steps = len(x) // BATCH
    for epoch in range(settings.get("epochs", 1)):
        for s in range(steps):
            b = slice(s * BATCH, (s + 1) * BATCH)
            loss, g = gradients(x[b], y[b], class_weights[y[b]])
            opt.apply_gradients(zip(g, model.trainable_variables))
            losses.append(float(loss))
        if callback:
            callback.on_epoch_end(epoch, dict(loss=float(np.mean(losses[-steps:]))))
    opt.finalize_variable_values(model.trainable_variables)
    evaluated = float(loss_of(y, model(x, training=False)))
    # Of normalised batches, inference differs from training.
    if has(model, L.BatchNormalization):
        losses.append(float(loss_of(TEST_Y, model(TEST_X, training=False))))
    return losses, evaluated


def save(path, tensors):
    tensors, head, at = {k: np.asarray(v, "<f4") for k, v in tensors.items()}, {}, 0
    for k, v in tensors.items():
        head[k] = {"dtype": "F32", "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for v in tensors.values():
            f.write(v.tobytes())


# As adapt() might find it; other layers' start with what their initializers give.
STATE = {"normalization.mean": 72.5, "normalization.variance": 8100.25, "normalization.count": 3200, "normalization_2.mean": 0.25}


def leaves(model):
    for layer in model.layers:
        yield from leaves(layer) if isinstance(layer, keras.Model) else [layer]


def one(name):
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    keras.utils.set_random_seed(4711)
    keras.backend.clear_session()
    model, (layers, settings) = build(name)
    path = os.path.join(folder, "weights.npz")
    if FLOAT == "float64":
        stored = np.load(path)
        print(json.dumps(run(model, settings, [stored[k].astype("f8") for k in stored.files])))
        return
    rng = np.random.default_rng(3)
    weights = [w + (rng.uniform(-0.1, 0.1, w.shape).astype("f4") if w.ndim == 1 else 0) for w in model.get_weights()]
    names = [f"{l.name}.{w.name}" for l in leaves(model) for w in l.weights]
    weights = [w if STATE.get(n) is None else np.full_like(w, STATE[n]) for n, w in zip(names, weights)]
    save(os.path.join(folder, "init.safetensors"), dict(zip(names, weights)))
    np.savez(path, *weights)
    single = run(model, settings, weights)
    disturbed = [run(model, settings, [w * (1 + rng.choice([-1, 1], w.shape).astype("f4") * np.float32(2**-23)) for w in weights]) for _ in range(6)]
    env = dict(os.environ, FLOATX="float64")
    double, evaluated = json.loads(subprocess.run([sys.executable, __file__, DATA, OUT, name], env=env, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    os.remove(path)
    envelope = [max(abs(r[s] - double[s]) for r, _ in [single, *disturbed]) for s in range(len(double))]
    more = dict(test_loss_f64=round(double.pop(), 8), test_envelope=float(f"{envelope.pop():.2e}")) if has(model, L.BatchNormalization) else {}
    described = dict(keras=layers) if name in FILES else dict(input=[28, 28, 1], layers=layers)
    golden = dict(model=described, settings=settings, loss_f64=[round(v, 8) for v in double], evaluated=round(evaluated, 8), envelope=[float(f"{v:.2e}") for v in envelope], **more)
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(golden, f)
        f.write("\n")
    print(name, double[0], double[-1], max(envelope))


for name in sys.argv[3:] or [*CHAINS, *GRAPHS, *FILES]:
    one(name)
