"""Reads model files: the layers of a TOML file in its order, with Keras's defaults for the arguments it leaves out."""
import pathlib
import tomllib

PRESETS = pathlib.Path(__file__).resolve().parents[2] / "assets" / "models"
IMAGES = "input"  # the name by which layers take the images
WINDOW = {"strides": 1, "padding": "valid"}
POOL = {"pool_size": 2, "strides": None, "padding": "valid"}

# The layers and arguments that the scripts know, with the defaults. None stands for an argument that has to be given,
# or for strides equal to the pool size.
LAYERS = {
    "Conv2D": {"filters": None, "kernel_size": None, **WINDOW, "groups": 1, "activation": "linear", "use_bias": True},
    "DepthwiseConv2D": {"kernel_size": None, **WINDOW, "depth_multiplier": 1, "activation": "linear", "use_bias": True},
    "Dense": {"units": None, "activation": "linear", "use_bias": True},
    "BatchNormalization": {"momentum": 0.99, "epsilon": 1e-3},
    "Activation": {"activation": None},
    "ReLU": {"max_value": None},
    "MaxPooling2D": POOL,
    "AveragePooling2D": POOL,
    "GlobalAveragePooling2D": {},
    "Add": {},
    "Flatten": {},
    "Dropout": {"rate": None},
}


def read(model):
    """The layers of a preset or of a TOML file, as (name, inputs, layer). `layer` has its type and all its arguments,
    sizes and strides as [height, width]. The output is that of the last layer."""
    path = pathlib.Path(model) if model.endswith(".toml") else PRESETS / f"{model}.toml"
    file = tomllib.loads(path.read_text())
    if file.get("input", [28, 28, 1]) != [28, 28, 1]:
        raise SystemExit(f"{path}: the images are [28, 28, 1], not {file['input']}")
    layers, before = [], IMAGES
    for index, given in enumerate(file["layers"]):
        name, inputs, kind = given.pop("name", f"layer_{index}"), given.pop("inputs", [before]), given.pop("type")
        if kind not in LAYERS or not given.keys() <= LAYERS[kind].keys():
            raise SystemExit(f"{path}: the scripts do not know this layer, or not all its arguments: {kind} {given}")
        layers.append((name, inputs, {"type": kind, **pairs(LAYERS[kind] | given)}))
        before = name
    return layers


def pairs(arguments):
    """The same arguments, with [height, width] for a number that stands for both, and pools' strides filled in."""
    if "pool_size" in arguments:
        arguments["strides"] = arguments["strides"] or arguments["pool_size"]
    sizes = {key: arguments[key] for key in ("kernel_size", "pool_size", "strides") if key in arguments}
    return arguments | {key: [size, size] if isinstance(size, int) else size for key, size in sizes.items()}


def without_softmax(layers):
    """The same layers with the logits as output, for losses that contain the softmax."""
    name, inputs, last = layers[-1]
    if last.get("activation") != "softmax":
        raise SystemExit(f"the last layer is no softmax: {last}")
    return [*layers[:-1], (name, inputs, last | {"activation": "linear"})]
