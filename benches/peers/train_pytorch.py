"""PyTorch, channels last, fused Adam: in eager mode and with `torch.compile`; on a CUDA GPU, if there is one, in eager
mode and as a captured CUDA graph."""
import functools

import common
import models
import torch
from torch import nn

options = common.arguments()
torch.manual_seed(0)
torch.set_num_threads(options.threads)
device = "cuda" if torch.cuda.is_available() else "cpu"
ACTIVATIONS = {"linear": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


class SameAveragePool(nn.Module):
    """Means over the pixels of each window that lie within the image, with the padding given."""

    def __init__(self, pad, pool, shape):
        super().__init__()
        self.pad, self.pool = pad, pool
        self.register_buffer("scale", 1 / pool(pad(torch.ones(1, 1, *shape[2:]))), persistent=False)

    def forward(self, x):
        return self.pool(self.pad(x)) * self.scale


def padding(layer, window, shape):
    """Rows and columns that Keras adds around images of `shape` [n, c, h, w]: [top, left] and [bottom, right]."""
    if layer["padding"] == "valid":
        return (0, 0), (0, 0)
    sizes = zip(shape[2:], window, layer["strides"])
    total = [max((-(-size // stride) - 1) * stride + length - size, 0) for size, length, stride in sizes]
    return tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)


def windowed(layer, shape):
    """The modules of a convolution or a pool over inputs of `shape`."""
    kind, window, strides = layer["type"], tuple(layer.get("kernel_size") or layer["pool_size"]), tuple(layer["strides"])
    (top, left), (bottom, right) = before, after = padding(layer, window, shape)
    pad = nn.ConstantPad2d((left, right, top, bottom), -torch.inf if kind == "MaxPooling2D" else 0.0)
    inside = before if before == after else 0  # where both sides are equal, the layer itself pads
    pads = [] if before == after else [pad]
    match kind:
        case "MaxPooling2D":
            return [*pads, nn.MaxPool2d(window, strides, inside)]
        case "AveragePooling2D" if before == after:
            return [nn.AvgPool2d(window, strides, inside, count_include_pad=False)]
        case "AveragePooling2D":
            return [SameAveragePool(pad, nn.AvgPool2d(window, strides), shape)]
    channels = shape[1]
    filters = layer["filters"] if kind == "Conv2D" else channels * layer["depth_multiplier"]
    groups = layer["groups"] if kind == "Conv2D" else channels
    convolution = nn.Conv2d(channels, filters, window, strides, inside, groups=groups, bias=layer["use_bias"])
    return [*pads, convolution, ACTIVATIONS[layer["activation"]]()]


def modules(layer, shape):
    """The modules of a layer over inputs of `shape`, [n, c, h, w] or [n, features]."""
    match layer["type"]:
        case "Conv2D" | "DepthwiseConv2D" | "MaxPooling2D" | "AveragePooling2D":
            return windowed(layer, shape)
        case "Dense":
            return [nn.Linear(shape[1], layer["units"], layer["use_bias"]), ACTIVATIONS[layer["activation"]]()]
        case "BatchNormalization":
            norm = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
            return [norm(shape[1], layer["epsilon"], 1 - layer["momentum"])]
        case "Activation":
            return [ACTIVATIONS[layer["activation"]]()]
        case "ReLU":
            return [nn.ReLU() if layer["max_value"] is None else nn.Hardtanh(0.0, layer["max_value"])]
        case "GlobalAveragePooling2D":
            return [Function(lambda x: x.mean((2, 3)))]
        case "Add":
            return [Function(lambda *x: functools.reduce(torch.add, x))]
        case "Flatten":  # of images in memory's own order
            return [Function(lambda x: x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x)]
        case "Dropout":
            return [nn.Dropout(layer["rate"])]


class Network(nn.Module):
    """The layers of a model file; each is made when the shape of its input is known from running those before it."""

    def __init__(self, layers):
        super().__init__()
        self.graph, self.layers = [(name, inputs) for name, inputs, _ in layers], nn.ModuleList()
        values = {models.IMAGES: torch.zeros(2, 1, 28, 28)}
        for name, inputs, layer in layers:
            made = modules(layer, values[inputs[0]].shape)
            self.layers.append((made[0] if len(made) == 1 else nn.Sequential(*made)).eval())
            with torch.no_grad():
                values[name] = self.layers[-1](*[values[source] for source in inputs])
        self.train()

    def forward(self, x):
        values = {models.IMAGES: x}
        for (name, inputs), layer in zip(self.graph, self.layers):
            values[name] = x = layer(*[values[source] for source in inputs])
        return x


network = Network(models.without_softmax(models.read(options.model))).to(device).to(memory_format=torch.channels_last)
adam = torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7, fused=True, capturable=device == "cuda")
averages = [buffer for name, buffer in network.named_buffers() if "running" in name]
parameters = sum(tensor.numel() for tensor in [*network.parameters(), *averages])
x, y = common.images(options.data)
feed = common.batches(x, y, options.batch_size)
wait = torch.cuda.synchronize if device == "cuda" else lambda: None


def fetch():
    pixels, labels = next(feed)
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device, memory_format=torch.channels_last)
    return pixels, torch.from_numpy(labels).long().to(device)


def train(network, pixels, labels):
    adam.zero_grad(set_to_none=device == "cpu")
    loss = nn.functional.cross_entropy(network(pixels), labels)
    loss.backward()
    adam.step()
    return loss.detach()


common.run(f"PyTorch {torch.__version__}, {device}", options, parameters, lambda: train(network, *fetch()), wait)
if device == "cpu":
    compiled = torch.compile(network)
    common.run(f"PyTorch {torch.__version__}, cpu, torch.compile", options, parameters, lambda: train(compiled, *fetch()), wait)
else:
    pixels, labels = fetch()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = train(network, pixels, labels)

    def replay():
        for static_input, new in zip((pixels, labels), fetch()):
            static_input.copy_(new)
        graph.replay()
        return captured

    common.run(f"PyTorch {torch.__version__}, {device}, captured graph", options, parameters, replay, wait)
