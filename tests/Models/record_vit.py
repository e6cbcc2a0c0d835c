"""Records what PyTorch computes for vision transformers, for VisionTransformerParityTests and PositionGridTests.

    python3 record_vit.py data

writes vit.json and positions.json. Recorded with PyTorch 2.6 in float64. Weights, images and projections are functions of
their place (see values), which the tests compute too, so none are stored. Of every gradient its norm and its product
with such values are kept.
"""

import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# The network is the peer's: bench/peers/networks.py.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "peers"))
import networks

torch.set_num_threads(2)


def uniform(count, stream):
    """count numbers in [-1/2, 1/2), multiples of 2^-24."""
    h = (np.arange(count, dtype=np.uint64) * 2654435761 + (stream + 1) * 0x9E3779B9) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 0x85EBCA6B) & 0xFFFFFFFF
    h ^= h >> 13
    h = (h * 0xC2B2AE35) & 0xFFFFFFFF
    h ^= h >> 16
    return (h >> 8).astype(np.float64) / 2**24 - 0.5


def values(name, shape, stream):
    u = uniform(math.prod(shape), stream)
    if name in ("cls_token", "pos_embed"):
        pass
    elif len(shape) > 1:
        u = u * math.sqrt(12 / math.prod(shape[1:]))
    elif name.endswith(".weight"):
        u = 1 + 0.5 * u
    else:
        u = 0.2 * u
    return torch.from_numpy(u.astype(np.float32).astype(np.float64).reshape(shape))


class VisionTransformer(networks.VisionTransformer):
    """With its head."""

    def __init__(self, width, heads, depth, patch, size, classes):
        super().__init__(3, width, heads, depth, patch, 1 + (size // patch) ** 2)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(super().forward(x))


def record(name, width, heads, depth, patch, size, images):
    classes = 10
    model = VisionTransformer(width, heads, depth, patch, size, classes).double()
    parameters = sorted(model.named_parameters())
    with torch.no_grad():
        for stream, (key, parameter) in enumerate(parameters):
            parameter.copy_(values(key, parameter.shape, stream))
    x = torch.from_numpy((4 * uniform(images * 3 * size * size, 1000)).astype(np.float32).astype(np.float64)).reshape(images, 3, size, size)
    logits = model(x)
    loss = F.cross_entropy(logits, torch.tensor([7 * i % classes for i in range(images)]))
    loss.backward()
    gradients = {}
    for stream, (key, parameter) in enumerate(parameters):
        g = parameter.grad.reshape(-1)
        gradients[key] = [g.norm().item(), (g @ torch.from_numpy(uniform(g.numel(), 2000 + stream))).item()]
    return {
        "name": name, "size": size, "images": images,
        "logits": [float(f"{v:.10g}") for v in logits.detach().reshape(-1).tolist()], "loss": loss.item(),
        "gradients": {key: [float(f"{v:.10g}") for v in pair] for key, pair in gradients.items()},
    }


def positions(old, new, width):
    x = torch.from_numpy(uniform((1 + old * old) * width, 3000 + old)).float()
    rest = x[width:].reshape(1, old, old, width).permute(0, 3, 1, 2)
    y = F.interpolate(rest, size=(new, new), mode="bicubic", antialias=True)
    y = y.permute(0, 2, 3, 1).reshape(-1)
    return {"old": old, "new": new, "width": width, "values": [float(f"{v:.8g}") for v in y.tolist()]}


if __name__ == "__main__":
    folder = sys.argv[1]
    # Name, width, heads, depth, patch, pixels, images; the first stands in the tests alone.
    networks = [
        ("vit-parity", 32, 4, 3, 8, 32, 3), ("vit-ti16", 192, 3, 12, 16, 48, 3), ("vit-s16", 384, 6, 12, 16, 32, 2), ("vit-b16", 768, 12, 12, 16, 224, 1),
    ]
    with open(os.path.join(folder, "vit.json"), "w") as file:
        json.dump([record(*network) for network in networks], file, indent=0)
    grids = [(14, 7, 3), (7, 14, 3), (14, 24, 2), (5, 3, 4), (3, 8, 4), (2, 1, 5), (1, 4, 5), (16, 5, 2)]
    with open(os.path.join(folder, "positions.json"), "w") as file:
        json.dump([positions(*grid) for grid in grids], file)
