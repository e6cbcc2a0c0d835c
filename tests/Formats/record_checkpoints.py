"""Records small checkpoints with PyTorch, and their values as safetensors, for the tests of this folder.

    python3 record_checkpoints.py data

For each NAME.pth the file NAME.safetensors has the same tensors, contiguous and under the names that state_dict() gives.
torchvision_names.txt has the names and shapes of three networks. Recorded with PyTorch 2.6.0, torchvision 0.21 and NumPy 2.2.
Values are random, seeded.
"""

import argparse
import collections
import copy
import json
import os
import struct
import sys

import numpy as np
import torch
from torch import nn

TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64", torch.uint16: "U16", torch.uint32: "U32",
    torch.uint64: "U64",
}


class Net(nn.Module):
    """Parameters that are None, shared modules, buffers that are not saved, children that are None."""

    def __init__(self):
        super().__init__()
        self.num_classes = 5
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.block = nn.Sequential(collections.OrderedDict([("fc", nn.Linear(4, 4)), ("act", nn.ReLU()), ("again", self.bn)]))
        self.gone = None
        self.register_module("none", None)
        self.register_buffer("kept", torch.randn(2, 3))
        self.register_buffer("dropped", torch.randn(4), persistent=False)
        self.scale = nn.Parameter(torch.randn(()))
        self.head = nn.Linear(4, self.num_classes)
        self.activation = torch.nn.functional.relu


def plain():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5))


def write_values(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        t = t.detach().contiguous()
        raw = t.reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b""
        header[name] = {"dtype": TYPES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(15)

    def save(name, obj, values, **options):
        torch.save(obj, os.path.join(folder, name + ".pth"), **options)
        write_values(os.path.join(folder, name + ".safetensors"), values)

    model = plain()
    state = model.state_dict()
    save("state", state, state)
    save("state_legacy", state, state, _use_new_zipfile_serialization=False)
    save("state_protocol4", state, state, pickle_protocol=4)
    save("state_legacy_protocol4", state, state, pickle_protocol=4, _use_new_zipfile_serialization=False)

    # A training loop's checkpoint: two steps, so that the optimizer has a state.
    ema = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(2, 3, 4, 4)).sum().backward()
        optimizer.step()
        schedule.step()
    checkpoint = {
        "epoch": 3, "arch": "plain", "best_acc1": np.float64(71.5), "loss": 0.25, "done": True, "classes": ["a", "b"],
        "state_dict_ema": ema.state_dict(), "state_dict": model.state_dict(), "optimizer": optimizer.state_dict(),
        "scheduler": schedule.state_dict(), "args": argparse.Namespace(lr=0.1, name="x"), "rng": np.random.RandomState(1).get_state(),
    }
    save("checkpoint", checkpoint, model.state_dict())
    save("averaged", {"model_ema": ema.state_dict(), "epoch": 1}, ema.state_dict())
    parallel = nn.DataParallel(model)
    save("parallel", {"model": parallel.state_dict(), "epoch": 2}, parallel.state_dict())
    save("parallel_module", parallel, parallel.state_dict())

    net = Net()
    save("module", net, net.state_dict())
    save("module_legacy", model, model.state_dict(), _use_new_zipfile_serialization=False)
    save("module_inside", {"net": net, "step": 7}, net.state_dict())

    types = {}
    for dtype in TYPES:
        values = torch.randint(0, 2, (2, 3)) if dtype == torch.bool else torch.randint(0, 100, (2, 3))
        types[str(dtype)[6:]] = (torch.randn(2, 3) if dtype.is_floating_point else values).to(dtype)
    unread = {
        "complex64": torch.randn(2, dtype=torch.complex64), "complex128": torch.randn(2, dtype=torch.complex128),
        "float8_e4m3fn": torch.randn(2, 2).to(torch.float8_e4m3fn), "quantised": torch.quantize_per_tensor(torch.randn(3), 0.1, 2, torch.qint8),
        "channels": torch.quantize_per_channel(torch.randn(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.quint8),
        "sparse": torch.eye(3).to_sparse(), "meta": torch.empty(2, 3, device="meta"), "negated": torch.randn(3, dtype=torch.complex64).conj().imag,
    }
    save("types", {**types, **unread}, types)

    base = torch.randn(4, 6)
    big = torch.randn(1000)
    weight = nn.Parameter(torch.randn(3, 3))
    views = {
        "base": base, "tied": base, "row": base[2], "column": base[:, 1], "block": base[1:3, 2:5], "every": base[::2, ::3], "turned": base.t(),
        "expanded": torch.randn(1, 3).expand(2, 3), "scalar": torch.tensor(1.5), "one": base[3, 5], "empty": torch.empty(0, 3),
        "nothing": torch.empty(2, 0)[:, :0], "slice": big[997:], "parameter": weight, "again": weight, "of_parameter": weight.data[1],
        "deep": torch.randn(2, 3, 4, 5).permute(3, 1, 0, 2), "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "half": torch.randn(5).half()[1:4], "chunk": torch.arange(12).view(3, 4).unfold(1, 2, 1),
    }
    save("views", views, views)
    save("views_legacy", views, views, _use_new_zipfile_serialization=False)
    save("attributes", {"model": {"b": attributed(), "w": weight}}, {"b": torch.zeros(3), "w": weight})
    write_names(os.path.join(folder, "torchvision_names.txt"))


def write_names(path):
    """Names and shapes of torchvision's networks, a line each."""
    import torchvision

    with open(path, "w") as f:
        for name in ["resnet18", "resnet50", "vit_b_16"]:
            for key, value in getattr(torchvision.models, name)(weights=None).state_dict().items():
                f.write(f"{name} {key} {'x'.join(map(str, value.shape))}\n")


def attributed():
    t = torch.zeros(3)
    t.origin = "here"
    return t


main()
