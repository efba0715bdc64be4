"""A Keras user's afternoon: a model from Keras, trained further by gpu-cnn, and back.

    python afternoon.py GPU_CNN FOLDER [ADAPTER]

GPU_CNN is the program. Prints what each step found; the last line is JSON with the losses that gpu-cnn and Keras find for the result."""
import importlib.util, json, os, struct, subprocess, sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "tensorflow")
import keras
import numpy as np
from keras import layers as L

GPU_CNN, FOLDER = sys.argv[1:3]
ADAPTER = sys.argv[3] if len(sys.argv) > 3 else "auto"
data, run = os.path.join(FOLDER, "data"), os.path.join(FOLDER, "run")
mine, theirs = os.path.join(FOLDER, "notebook.keras"), os.path.join(FOLDER, "trained.keras")


def gpu_cnn(*arguments):
    print("$ gpu-cnn", *arguments, flush=True)
    done = subprocess.run([GPU_CNN, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    return done.stdout


def idx(name):
    raw = open(os.path.join(data, name), "rb").read()
    dims = struct.unpack(">" + "I" * raw[3], raw[4 : 4 + 4 * raw[3]])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


gpu_cnn("synthetic", data, "--seed", "7", "--train", "1600", "--test", "500")
x, y = idx("train-images-idx3-ubyte")[..., None] / np.float32(255), idx("train-labels-idx1-ubyte")
test_x, test_y = idx("t10k-images-idx3-ubyte")[..., None] / np.float32(255), idx("t10k-labels-idx1-ubyte")

keras.utils.set_random_seed(1)
image = keras.Input((28, 28, 1))
h = L.MaxPooling2D()(L.Conv2D(16, 3, activation="relu")(image))
h = L.ReLU()(L.BatchNormalization(momentum=0.9)(L.Conv2D(16, 3, use_bias=False)(h)))
model = keras.Model(image, L.Dense(10, activation="softmax")(L.Dropout(0.2)(L.Flatten()(h))))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=1, verbose=0)
print("Keras, after one epoch:", model.evaluate(test_x, test_y, verbose=0, return_dict=True))
model.save(mine)

gpu_cnn("train", "--model", mine, "--resume-optimizer", "--data", data, "--epochs", "2", "--adapter", ADAPTER, "--out", run)
found = json.loads(gpu_cnn("evaluate", run, "--data", data, "--adapter", ADAPTER, "--format", "json"))
gpu_cnn("export", run, "--output", theirs)

back = keras.models.load_model(theirs)
back.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
again = back.evaluate(test_x, test_y, verbose=0, return_dict=True)
print("Keras, after two more by gpu-cnn:", again)
back.fit(x, y, epochs=1, verbose=0)
print(json.dumps({"gpu_cnn": [found["loss"], found["accuracy"]], "keras": [again["loss"], again["accuracy"]]}))
