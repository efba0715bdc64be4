"""Files as Keras writes them, for tests/keras_files.rs.

    python make.py OUT_DIR

For each model OUT_DIR gets NAME.keras, NAME.h5 (legacy) and NAME.weights.h5, and expected.json has its predictions for images whose
pixel at (n, y, x) is (37 n + 11 y + 7 x + 5 y x) mod 256, and the losses of ten further steps over these images, labelled n mod 4.
OPTIMIZER.keras is a tutorial trained with another optimizer than Adam."""
import json, os, sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from keras import layers as L

OUT, SIZE, COUNT, CLASSES = sys.argv[1], 12, 6, 4
IMAGE = (SIZE, SIZE, 1)


def pixels():
    n, y, x = np.ogrid[:COUNT, :SIZE, :SIZE]
    return ((37 * n + 11 * y + 7 * x + 5 * y * x) % 256)[..., None].astype("float32")


def tutorial():
    return keras.Sequential(
        [
            keras.Input(IMAGE),
            L.Conv2D(4, 3, activation="relu", name="stem"),
            L.MaxPooling2D(),
            L.Conv2D(6, 3, activation="relu"),
            L.Flatten(),
            L.Dense(CLASSES, activation="softmax", name="head"),
        ]
    )


def residual():
    image = keras.Input(IMAGE, name="image")
    x = L.Conv2D(4, 3, padding="same", use_bias=False)(image)
    x = L.Activation("relu")(L.BatchNormalization()(x))
    y = L.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    y = L.SeparableConv2D(4, 3, padding="same", activation="tanh")(y)
    y = L.BatchNormalization(scale=False)(y)
    x = L.Add()([x, y])
    x = L.LayerNormalization()(x)
    x = L.PReLU(shared_axes=[1, 2])(x)
    y = L.Conv2D(4, 1, strides=2)(x)
    x = L.Concatenate()([L.AveragePooling2D(2)(x), y])
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(image, L.Dense(CLASSES, activation="softmax")(x))


def nested():
    """Inner models of two kinds; layers whose places in the files follow from their classes, not from their names."""

    def block(name, channels):
        inner = keras.Input((SIZE, SIZE, channels))
        x = L.BatchNormalization(name="norm")(L.Conv2D(3, 3, padding="same", name="conv")(inner))
        return keras.Model(inner, L.ReLU()(x), name=name)

    augment = keras.Sequential([L.RandomFlip("horizontal"), L.RandomContrast(0.1)], name="augment")
    image = keras.Input(IMAGE)
    x = L.Rescaling(1 / 255)(augment(image))
    x = block("second", 3)(block("first", 1)(x))
    x = keras.Sequential([L.Conv2D(3, 3, activation=L.PReLU()), L.Dropout(0.3), L.Conv2D(2, 1)], name="tail")(x)
    return keras.Model(image, L.Dense(CLASSES, activation="softmax")(L.Flatten()(x)))


def mixed():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = keras.Sequential(
        [keras.Input(IMAGE), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(CLASSES, activation="softmax", dtype="float32")]
    )
    keras.mixed_precision.set_dtype_policy("float32")
    return model


def normalized():
    normalization = L.Normalization()
    normalization.adapt(pixels())
    return keras.Sequential([keras.Input(IMAGE), normalization, L.Conv2D(4, 3, strides=2), L.LeakyReLU(), L.Flatten(), L.Dense(CLASSES), L.Softmax()])


RESCALES = ["nested", "normalized"]
LABELS = np.arange(COUNT) % CLASSES
expected = {}


def train(model, images, optimizer):
    keras.utils.set_random_seed(3)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(images, LABELS, epochs=3, batch_size=3, verbose=0)


def ten_losses(model, images):
    # Not train_on_batch's running mean.
    return [float(model.fit(images, LABELS, batch_size=COUNT, shuffle=False, verbose=0).history["loss"][0]) for _ in range(10)]


for build in [tutorial, residual, nested, mixed, normalized]:
    name = build.__name__
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = build()
    images = pixels() if name in RESCALES else pixels() / 255
    train(model, images, keras.optimizers.Adam(0.01))
    model.save(f"{OUT}/{name}.keras")
    model.save(f"{OUT}/{name}.h5", include_optimizer=False)
    model.save_weights(f"{OUT}/{name}.weights.h5")
    predictions = model.predict(images, verbose=0)
    if name == "mixed":
        # What the same weights predict in single precision, as they do here.
        single = keras.models.clone_model(model)
        single = keras.Sequential([keras.Input(IMAGE), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(CLASSES, activation="softmax")])
        single.set_weights(model.get_weights())
        predictions = single.predict(images, verbose=0)
    expected[name] = {"predictions": predictions.tolist()}
    if name in ["tutorial", "residual"]:
        expected[name]["losses"] = ten_losses(model, images)
for name, optimizer in [
    ("adamw", keras.optimizers.AdamW(0.02, weight_decay=0.1, beta_1=0.8, epsilon=1e-6)),
    ("sgd", keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, clipvalue=0.5)),
]:
    keras.utils.set_random_seed(7)
    model = tutorial()
    train(model, pixels() / 255, optimizer)
    model.save(f"{OUT}/{name}.keras")
    expected[name] = {"losses": ten_losses(model, pixels() / 255)}
with open(f"{OUT}/expected.json", "w") as file:
    json.dump(expected, file)
