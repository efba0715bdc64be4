"""A chain with batch normalisation as PyTorch saves it, for tests/pytorch.rs.

    python make.py OUT_DIR

OUT_DIR gets NAME.safetensors, NAME.toml (the same chain here), and expected.json with what each predicts for the images of
assets/keras_files/make.py. Needs torch; safetensors is simple enough to be written here."""
import json, struct, sys

import torch
from torch import nn

OUT, SIZE, COUNT, CLASSES = sys.argv[1], 12, 6, 4
n, y, x = torch.meshgrid(torch.arange(COUNT), torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
IMAGES = ((37 * n + 11 * y + 7 * x + 5 * y * x) % 256)[:, None].float() / 255


class Features(nn.Module):
    """Twelve modules, so that numbers of two digits have to follow those of one."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 8, 3, groups=4, bias=False),
            nn.Conv2d(8, 6, 1),
            nn.PReLU(6),
            nn.Conv2d(6, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 5, (2, 3)),
            nn.BatchNorm2d(5),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(5 * 3 * 2, 7), nn.ReLU(), nn.Linear(7, CLASSES))

    def forward(self, images):
        return self.classifier(self.features(images))


NORM = '{ type = "BatchNormalization", epsilon = 1e-5, momentum = 0.9 }'
TOML = f"""# As make.py builds it; PyTorch's epsilon is 1e-5.
input = [12, 12, 1]
layers = [
    {{ type = "Conv2D", filters = 4, kernel_size = 3 }},
    {NORM},
    {{ type = "ReLU" }},
    {{ type = "SeparableConv2D", filters = 6, kernel_size = 3, depth_multiplier = 2 }},
    {{ type = "PReLU", shared_axes = [1, 2] }},
    {{ type = "Conv2D", filters = 6, kernel_size = 3, padding = "same" }},
    {NORM},
    {{ type = "ReLU" }},
    {{ type = "MaxPooling2D", pool_size = 2 }},
    {{ type = "Conv2D", filters = 5, kernel_size = [2, 3] }},
    {NORM},
    {{ type = "Flatten" }},
    {{ type = "Dropout", rate = 0.5 }},
    {{ type = "Dense", units = 7, activation = "relu" }},
    {{ type = "Dense", units = 4, activation = "softmax" }},
]
"""


def save(path, tensors):
    header, data = {}, b""
    # Sorted by name, as safetensors' own writer does for tensors of one type.
    for name, tensor in sorted(tensors.items()):
        kind = "I64" if tensor.dtype == torch.int64 else "F32"
        bytes = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(bytes)]}
        data += bytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


torch.manual_seed(5)
model = Features()
optimizer = torch.optim.Adam(model.parameters(), 0.01)
for _ in range(20):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(IMAGES), torch.arange(COUNT) % CLASSES).backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    predictions = torch.softmax(model(IMAGES), 1)
save(f"{OUT}/chain.safetensors", model.state_dict())
with open(f"{OUT}/chain.toml", "w") as file:
    file.write(TOML)
with open(f"{OUT}/expected.json", "w") as file:
    json.dump({"predictions": predictions.tolist()}, file)
