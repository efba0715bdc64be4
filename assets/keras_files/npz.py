"""Gives models the weights of `.npz` files, as `gpu-cnn export --format npz` writes them, in the order in which they stand there.

    python npz.py FILE.keras...

Beside each is FILE.npz, which has to have the weights of FILE.keras."""
import importlib.util, os, sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "tensorflow")
import keras
import numpy as np

for path in sys.argv[1:]:
    model = keras.models.load_model(path)
    weights = model.get_weights()
    model.set_weights([np.zeros_like(value) for value in weights])
    arrays = np.load(path.removesuffix(".keras") + ".npz")
    model.set_weights([arrays[name] for name in arrays.files])
    layers = [layer.name for layer in model.layers for _ in layer.weights]
    # Keras's names may not have a slash.
    assert [name.rsplit(".", 1)[0].replace("/", "_") for name in arrays.files] == layers, (path, arrays.files, layers)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights, strict=True)), path
    print(path, len(weights))
