"""Does Keras train to the same bytes again: resumed after an epoch, or on another number of cores?

    KERAS_BACKEND=jax python keras_bits.py

Prints the first digits of the weights' SHA-256 for a network with dropout: two epochs at a go, twice; one epoch, saved as .keras,
loaded in a process of its own, and one more; and two epochs on one core. Linux alone (it sets the process's cores).
"""

import hashlib
import os
import subprocess
import sys
import tempfile


def train(cores, steps):
    """Runs `steps`, a list of ("fit", epochs), ("save", path) and ("load", path), in this process; returns the weights' digest."""
    os.sched_setaffinity(0, range(cores))
    import keras
    import numpy as np
    from keras import layers

    numbers = np.random.default_rng(0)
    x, y = numbers.random((640, 28, 28, 1), dtype=np.float32), numbers.integers(0, 10, 640)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    for what, value in steps:
        if what == "fit":
            model.fit(x, y, epochs=value, verbose=0)
        elif what == "save":
            model.save(value)
        else:
            model = keras.models.load_model(value)
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()[:16]


def in_a_process(cores, steps):
    """The digest of `train` in a new process."""
    command = [sys.executable, __file__, str(cores), repr(steps)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if len(sys.argv) > 1:
    print(train(int(sys.argv[1]), eval(sys.argv[2])))
else:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "part.keras")
        whole = [("fit", 2)]
        print("two epochs         ", in_a_process(2, whole))
        print("again              ", in_a_process(2, whole))
        in_a_process(2, [("fit", 1), ("save", path)])
        print("saved after the 1st", in_a_process(2, [("load", path), ("fit", 1)]))
        print("on one core        ", in_a_process(1, whole))
