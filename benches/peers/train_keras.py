"""Keras with TensorFlow on the CPU. One `fit`, timed by a callback, trains all steps, as `train_on_batch` is slower."""
import os
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import common
import models
import tensorflow

options = common.arguments()
tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
tensorflow.config.threading.set_inter_op_parallelism_threads(options.threads)
import keras

keras.utils.set_random_seed(0)
images = keras.Input((28, 28, 1))
values = {models.IMAGES: images}
for name, inputs, layer in models.read(options.model):
    arguments = {key: value for key, value in layer.items() if key != "type"}
    inputs = [values[source] for source in inputs]
    made = getattr(keras.layers, layer["type"])(name=name, **arguments)
    values[name] = output = made(inputs[0] if len(inputs) == 1 else inputs)
network = keras.Model(images, output)
network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])


class Steps(keras.callbacks.Callback):
    """Records the end of each step and, with --loss, its loss; stops the training after the last step."""

    ends, losses, sum = [], [], 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())
        if options.loss:  # Keras logs the mean over the epoch so far
            before = self.sum if batch else 0.0
            self.sum = (batch + 1) * float(logs["loss"])
            self.losses.append(self.sum - before)
        if len(self.ends) > options.warmup + options.steps:
            self.model.stop_training = True


x, y = common.images(options.data)
network.fit(x, y, batch_size=options.batch_size, epochs=1000, shuffle=False, verbose=0, callbacks=[Steps()])
name = f"Keras {keras.__version__}, TensorFlow {tensorflow.__version__}"
if options.loss:
    common.print_losses(name, options, network.count_params(), Steps.losses)
else:
    ends, chunk = Steps.ends[options.warmup :], common.chunk(options)
    samples = [(ends[i + chunk] - ends[i]) * 1e3 / chunk for i in range(0, len(ends) - chunk, chunk)]
    common.print_times(name, options, network.count_params(), samples)
