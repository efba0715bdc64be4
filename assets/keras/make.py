"""Models as Keras writes them (`model.to_json()`), for tests/keras.rs.

    python make.py OUT_DIR

For each model OUT_DIR gets NAME.json, and expected.json has its layers with parameters and output shapes, by Keras's own count."""
import json, math, os, sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
from keras import layers as L

OUT = sys.argv[1]
IMAGE = (28, 28, 1)


def chain(*layers, image=IMAGE, name=None):
    return keras.Sequential([keras.Input(image), *layers], name=name)


def classes(**more):
    return L.Dense(10, activation="softmax", **more)


def every_layer():
    return chain(
        L.ZeroPadding2D(((1, 0), (2, 1))),
        L.Conv2D(6, (5, 3), strides=(1, 2), padding="same", activation="relu", name="stem"),
        L.MaxPooling2D(),
        L.Conv2D(8, 3),
        L.ReLU(max_value=6, negative_slope=0.1, threshold=0.0),
        L.AveragePooling2D(2, strides=1, padding="same"),
        L.SpatialDropout2D(0.1),
        L.Conv2D(8, 1, activation="tanh"),
        L.LeakyReLU(),
        L.ELU(0.7),
        L.Rescaling(0.5, offset=0.1),
        L.Activation("gelu"),
        L.GlobalAveragePooling2D(keepdims=True),
        L.Reshape((2, -1)),
        L.Flatten(),
        L.Dropout(0.5, seed=3),
        L.Dense(12, activation=keras.activations.silu),
        L.Dense(10),
        L.Softmax(),
    )


def layers_as_activations():
    return chain(
        L.Conv2D(4, 3, activation=L.ReLU(6.0)),
        L.MaxPooling2D(3, strides=2),
        L.Conv2D(4, 3, activation=L.LeakyReLU(negative_slope=0.2)),
        L.Activation(L.ELU()),
        L.GlobalMaxPooling2D(),
        L.Dense(10, activation=L.Softmax()),
    )


def residual():
    image = keras.Input(IMAGE)
    stem = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    a = L.Conv2D(4, 3, padding="same", activation="relu")(stem)
    b = L.Conv2D(4, 3, padding="same")(a)
    y = L.Activation("relu")(L.Add()([stem, b]))
    parts = [L.Subtract()([y, stem]), L.Multiply()([y, a]), L.Average()([y, a, b]), L.Maximum()([a, b]), a + b]
    y = L.Concatenate()(parts)
    return keras.Model(image, classes()(L.GlobalAveragePooling2D()(y)))


def inner(name, image, convolution):
    return chain(L.Conv2D(4, 3, padding="same", activation="relu", name=convolution), L.MaxPooling2D(), image=image, name=name)


def nested_sequential():
    return chain(inner("first", IMAGE, "one"), inner("second", (14, 14, 4), "two"), L.Flatten(), classes())


def nested_clashing():
    return chain(inner("first", IMAGE, "same"), inner("second", (14, 14, 4), "same"), L.Flatten(), classes())


def nested_functional():
    image = keras.Input((14, 14, 4))
    block = keras.Model(image, L.Add()([image, L.Conv2D(4, 3, padding="same")(image)]), name="block")
    image = keras.Input(IMAGE)
    y = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    y = chain(L.Flatten(), classes(), image=(14, 14, 4), name="head")(block(y))
    return keras.Model(image, y)


def wrapped():
    image = keras.Input(IMAGE)
    model = keras.Model(image, chain(L.Flatten(), classes())(image))
    image = keras.Input(IMAGE)
    return keras.Model(image, model(image))


def tutorial_dnn():
    return chain(L.Flatten(), L.Dense(128, activation="relu"), classes(), image=(28, 28))


def flat_input():
    return chain(L.Dense(16, activation="relu"), classes(), image=(784,))


def open_input():
    return chain(L.Conv2D(4, 3, activation="relu"), L.GlobalMaxPooling2D(), classes(), image=(None, None, 1))


def initializers():
    return chain(
        L.Conv2D(4, 3, strides=2, activation="relu", kernel_initializer="he_normal", bias_initializer=keras.initializers.Constant(0.1)),
        L.Flatten(),
        classes(kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform"), bias_initializer="random_normal"),
    )


def convolutions():
    return chain(
        L.Conv2D(4, 3, dilation_rate=2, use_bias=False),
        L.Conv2D(8, 3, groups=2, activation="relu"),
        L.Flatten(),
        L.Dense(6, use_bias=False),
        classes(),
    )


def residual_normalized():
    image = keras.Input(IMAGE)
    y = L.Conv2D(4, 3, strides=2, use_bias=False, padding="same")(image)
    y = stem = L.ReLU()(L.BatchNormalization(axis=3)(y))
    y = L.BatchNormalization(momentum=0.9, scale=False)(L.Conv2D(4, 3, padding="same", use_bias=False)(y))
    y = L.Activation("relu")(L.Add()([stem, y]))
    y = L.BatchNormalization(epsilon=1e-4, center=False)(L.Conv2D(6, 3, dilation_rate=2, groups=2)(y))
    return keras.Model(image, L.Dense(10)(L.GlobalAveragePooling2D()(y)))


def depthwise():
    return chain(
        L.SeparableConv2D(6, 3, strides=2, depth_multiplier=2, activation="relu"),
        L.LayerNormalization(),
        L.DepthwiseConv2D((3, 2), depth_multiplier=2, use_bias=False, padding="same"),
        L.LayerNormalization(axis=[1, 2, 3], scale=False),
        L.PReLU(shared_axes=[1, 2]),
        L.SeparableConv2D(8, 3, dilation_rate=(2, 1), use_bias=False, depthwise_initializer="he_normal"),
        L.PReLU(),
        L.DepthwiseConv2D(3, strides=2, activation="silu"),
        L.Flatten(),
        classes(),
    )


def augmented():
    return chain(
        L.RandomFlip("horizontal"),
        L.RandomTranslation(0.1, (-0.2, 0.1), fill_mode="constant", interpolation="nearest"),
        L.RandomBrightness(0.2),
        L.RandomContrast(0.3, seed=4),
        L.RandomRotation(0.1, fill_mode="nearest"),
        L.RandomZoom((-0.2, 0.1), fill_mode="constant", fill_value=3.0),
        L.Normalization(mean=[72.5], variance=[8100.0]),
        L.Conv2D(4, 3, strides=2, activation="relu"),
        L.Normalization(axis=None, mean=0.5, variance=0.25, invert=True),
        L.Flatten(),
        classes(),
    )


def functional_random():
    image = keras.Input(IMAGE)
    y = L.RandomFlip("horizontal")(image)
    y = L.SpatialDropout2D(0.1)(L.BatchNormalization()(L.Conv2D(4, 3, strides=2, activation="relu")(y)))
    return keras.Model(image, classes()(L.Dropout(0.4)(L.Flatten()(y), training=True)))


MODELS = [functional_random, every_layer, augmented, convolutions, residual_normalized, depthwise, layers_as_activations, residual, nested_sequential, nested_clashing, nested_functional, wrapped, tutorial_dnn, flat_input, open_input, initializers]


def leaves(model):
    for layer in model.layers:
        yield from leaves(layer) if isinstance(layer, keras.Model) else [layer]


def described(layer):
    shape = layer.output.shape[1:]
    return [type(layer).__name__, layer.name, list(shape), sum(math.prod(w.shape) for w in layer.weights)]


expected = {}
for make in MODELS:
    keras.backend.clear_session()
    model = make()
    with open(os.path.join(OUT, f"{make.__name__}.json"), "w") as f:
        f.write(model.to_json() + "\n")
    layers = [described(layer) for layer in leaves(model) if type(layer).__name__ != "InputLayer"]
    expected[make.__name__] = dict(params=model.count_params(), layers=layers)
with open(os.path.join(OUT, "expected.json"), "w") as f:
    json.dump(expected, f, indent=1)
    f.write("\n")
