"""Keras with TensorFlow on the CPU. One `fit`, timed by a callback, trains all steps, as `train_on_batch` is slower."""
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import common
import tensorflow

options = common.arguments()
tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
tensorflow.config.threading.set_inter_op_parallelism_threads(options.threads)
import keras

convolutions = [
    keras.layers.Conv2D(64, 3, activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Conv2D(64, 3, activation="relu"),
    keras.layers.MaxPooling2D(2),
]
dense = [keras.layers.Flatten(), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10, activation="softmax")]
network = keras.Sequential([keras.Input((28, 28, 1)), *(convolutions if options.model == "cnn" else []), *dense])
network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])


class Times(keras.callbacks.Callback):
    """Records the time at the end of each batch, and stops the training after the last step to time."""

    ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())
        if len(self.ends) > options.warmup + options.steps:
            self.model.stop_training = True


x, y = common.images(options.data)
network.fit(x, y, batch_size=options.batch_size, epochs=1000, shuffle=False, verbose=0, callbacks=[Times()])
ends = Times.ends[options.warmup :]
chunk = max(1, options.steps // 10)
samples = [(ends[i + chunk] - ends[i]) * 1e3 / chunk for i in range(0, len(ends) - chunk, chunk)]
name = f"Keras {keras.__version__}, TensorFlow {tensorflow.__version__}"
print(common.json.dumps({"peer": name, "model": options.model, "batch_size": options.batch_size, "ms_per_step": round(statistics.median(samples), 3)}))
sys.stdout.flush()
