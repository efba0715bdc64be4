"""PyTorch in eager mode, channels last, fused Adam; on a CUDA GPU, if there is one, also as a captured CUDA graph."""
import common
import torch

options = common.arguments()
torch.set_num_threads(options.threads)
device = "cuda" if torch.cuda.is_available() else "cpu"
layers = []
if options.model == "cnn":
    layers += [torch.nn.Conv2d(1, 64, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    layers += [torch.nn.Conv2d(64, 64, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
inputs = 1600 if options.model == "cnn" else 784
layers += [torch.nn.Flatten(), torch.nn.Linear(inputs, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)]
network = torch.nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)
adam = torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7, fused=True, capturable=device == "cuda")
x, y = common.images(options.data)
feed = common.batches(x, y, options.batch_size)
wait = torch.cuda.synchronize if device == "cuda" else lambda: None


def fetch():
    pixels, labels = next(feed)
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device, memory_format=torch.channels_last)
    return pixels, torch.from_numpy(labels).long().to(device)


def train(pixels, labels):
    adam.zero_grad(set_to_none=False)
    torch.nn.functional.cross_entropy(network(pixels), labels).backward()
    adam.step()


common.run(f"PyTorch {torch.__version__}, {device}", options, lambda: train(*fetch()), wait)
if device == "cuda":
    pixels, labels = fetch()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        train(pixels, labels)

    def replay():
        for static_input, new in zip((pixels, labels), fetch()):
            static_input.copy_(new)
        graph.replay()

    common.run(f"PyTorch {torch.__version__}, {device}, captured graph", options, replay, wait)
