"""What the tensorboard package reads of a run's event files, as JSON: `read.py FOLDER [--server]`.

For train and validation: numbers as [step, value], histograms as [step, count, buckets' sum], pictures as [step, height, width, bytes].
With --server also what TensorBoard itself answers over HTTP.
"""

import json
import pathlib
import sys
import urllib.parse
import urllib.request

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = pathlib.Path(sys.argv[1])


def part(name):
    read = EventAccumulator(str(folder / name), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    read.Reload()
    tags = read.Tags()
    histogram = lambda event: [event.step, event.histogram_value.num, sum(event.histogram_value.bucket)]
    return {
        "version": read.file_version,
        "scalars": {tag: [[event.step, event.value] for event in read.Scalars(tag)] for tag in tags["scalars"]},
        "histograms": {tag: [histogram(event) for event in read.Histograms(tag)] for tag in tags["histograms"]},
        "images": {
            tag: [
                [event.step, event.height, event.width, event.encoded_image_string[:4].decode("latin-1")]
                for event in read.Images(tag)
            ]
            for tag in tags["images"]
        },
    }


def server():
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(argv=[None, "--logdir", str(folder), "--port", "0", "--host", "127.0.0.1", "--reload_interval", "0", "--load_fast", "false"])
    url = board.launch()

    def ask(path, **query):
        with urllib.request.urlopen(f"{url}data/{path}?{urllib.parse.urlencode(query)}", timeout=60) as answer:
            return json.load(answer)

    return {
        "plugins": [name for name, plugin in ask("plugins_listing").items() if plugin["enabled"]],
        "scalars": ask("plugin/scalars/scalars", run="train", tag="epoch_loss"),
        "histograms": ask("plugin/histograms/tags"),
        "images": ask("plugin/images/tags"),
    }


found = {name: part(name) for name in ["train", "validation"] if (folder / name).exists()}
if "--server" in sys.argv:
    found["server"] = server()
print(json.dumps(found))
