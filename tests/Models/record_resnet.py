"""Records what PyTorch computes for residual networks whose weights and images follow from a formula: resnets.json beside it, in data/.

    python3 tests/Models/record_resnet.py > tests/Models/data/resnets.json

Needs PyTorch and torchvision. Everything is computed in float64, from values rounded to float32. The value i of a tensor, counted in PyTorch's
layout, is scale * u + shift, u in [-1, 1) from splitmix64 of the name's FNV-1a hash and i: ResNetRecordingTests.cs has the same formula.
"""
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

CLASSES = 10
BATCH = 2


def fnv(text):
    h = 14695981039346656037
    for b in text.encode():
        h = ((h ^ b) * 1099511628211) & (2**64 - 1)
    return h


def units(name, count):
    with np.errstate(over="ignore"):
        z = np.uint64(fnv(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def fill(name, shape):
    u = units(name, math.prod(shape))
    if len(shape) == 4:
        v = u * math.sqrt(6 / math.prod(shape[1:]))
    elif len(shape) == 2:
        v = u * math.sqrt(3 / shape[1])
    elif name.endswith("running_var"):
        v = 1 + 0.5 * u
    elif name.endswith("weight"):
        v = 1 + 0.25 * u
    else:
        v = 0.1 * u
    return torch.from_numpy(v.astype(np.float32).astype(np.float64)).reshape(shape)


class Block(nn.Module):
    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.zeros = planes // 4 if stride != 1 or inputs != planes else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.zeros is not None:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.zeros, self.zeros))
        return F.relu(y + x)


class Cifar(nn.Module):
    """The CIFAR networks of He et al. with shortcuts of option A, under the names of akamaster/pytorch_resnet_cifar10."""

    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for i, planes in enumerate((16, 32, 64)):
            blocks = []
            for b in range((depth - 2) // 6):
                blocks.append(Block(inputs, planes, 2 if b == 0 and i > 0 else 1))
                inputs = planes
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.layer3(self.layer2(self.layer1(y)))
        return self.linear(y.mean((2, 3)))


def make(name, stem):
    depth = int(name[len("resnet"):])
    if depth in (20, 32, 44, 56):
        return Cifar(depth)
    model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)
    if stem == "cifar":
        model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        model.maxpool = nn.Identity()
    return model


def keys(name):
    names = sorted(make(name, "imagenet").state_dict())
    return {"count": len(names), "hash": f"{fnv(chr(10).join(names)):016x}"}


def record(name, stem, size, training):
    model = make(name, stem).double()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                value.copy_(fill(key, value.shape))
    x = torch.from_numpy(units("images", BATCH * 3 * size * size)).reshape(BATCH, 3, size, size)
    labels = torch.tensor([1, 7])
    model.eval()
    with torch.no_grad():
        logits = model(x)
    model.train(training)
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    gradients = {}
    for key, p in model.named_parameters():
        g = p.grad.reshape(-1).numpy()
        gradients[key] = [float(f"{np.linalg.norm(g):.9g}"), float(f"{g @ units('projection of ' + key, g.size):.9g}")]
    return {
        "network": name, "stem": stem, "size": size, "training": training,
        "logits": [float(f"{v:.9g}") for v in logits.reshape(-1).tolist()],
        "loss": float(f"{loss.item():.12g}"), "gradients": gradients,
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    # Fifty layers that normalise by a few values each make too much of rounding: there PyTorch's own float32 is 3 % from its float64.
    cases = [("resnet18", "imagenet", 65, True), ("resnet18", "cifar", 17, True), ("resnet50", "imagenet", 65, False), ("resnet20", "", 17, True)]
    print(json.dumps({
        "keys": {f"resnet{d}": keys(f"resnet{d}") for d in (18, 34, 50, 20, 32, 44, 56)},
        "cases": [record(*case) for case in cases],
    }, indent=0))
