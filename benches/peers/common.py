"""Shared by the training scripts: the command line, the images, the timing, and the line of JSON with the result."""
import argparse
import gzip
import json
import pathlib
import statistics
import time

import numpy


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path, help="a folder with the four IDX files, as `gpu-cnn synthetic` writes it")
    parser.add_argument("--model", default="cnn", help="a preset of assets/models, or a TOML file")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--loss", action="store_true", help="print losses instead of times")
    return parser.parse_args()


def read_idx(path):
    """Reads an IDX file of unsigned bytes; if `path` does not exist, `path` with the suffix .gz."""
    content = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(content[3])]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def images(folder):
    """Training images [n, 28, 28, 1] as float32 in [0, 1], and their labels [n] as int32."""
    pixels = read_idx(folder / "train-images-idx3-ubyte").astype(numpy.float32) / 255
    return pixels[..., None], read_idx(folder / "train-labels-idx1-ubyte").astype(numpy.int32)


def batches(x, y, size):
    """Yields full batches in order, starting over at the end; a last, partial batch is skipped."""
    while True:
        for start in range(0, len(x) - size + 1, size):
            yield x[start : start + size], y[start : start + size]


def run(name, options, parameters, step, wait):
    """Trains by `step()`, which returns the loss, and prints a line of JSON: the median ms per step, or with --loss the
    losses. `wait()` blocks until the device is idle."""
    if options.loss:
        return print_losses(name, options, parameters, [float(step()) for _ in range(options.warmup + options.steps)])
    for _ in range(options.warmup):
        step()
    wait()
    samples = []
    for _ in range(10):
        started = time.perf_counter()
        for _ in range(chunk(options)):
            step()
        wait()
        samples.append((time.perf_counter() - started) * 1e3 / chunk(options))
    print_times(name, options, parameters, samples)


def chunk(options):
    """Steps of each of the ten groups that are timed."""
    return max(1, options.steps // 10)


def print_times(name, options, parameters, samples):
    print_line(name, options, parameters, {"ms_per_step": round(statistics.median(samples), 3)})


def print_losses(name, options, parameters, losses):
    """Means over the first and the last ten steps."""
    means = {key: round(statistics.fmean(part), 4) for key, part in (("first", losses[:10]), ("last", losses[-10:]))}
    print_line(name, options, parameters, {"losses": means})


def print_line(name, options, parameters, result):
    line = {"peer": name, "model": options.model, "batch_size": options.batch_size, "parameters": parameters}
    print(json.dumps(line | result), flush=True)
