"""Single kernels in PyTorch: what `escnative kernels` measures in turn with its own."""
import json

import numpy as np
import torch

import protocol


def features(n, d):
    """The same matrix as FeatureMatrix.Make: hashed numbers, rectified, with columns of falling weight."""
    h = np.arange(n * d, dtype=np.uint64) * 2654435761 & 0xFFFFFFFF
    h = (h ^ h >> 16) * 2246822519 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 3266489917 & 0xFFFFFFFF
    h ^= h >> 16
    u = (h >> 8).astype(np.float32) * np.float32(2.0**-24)
    x = np.maximum(u.reshape(n, d) - np.float32(0.3), 0)
    return torch.from_numpy(x * (1 / np.sqrt(1 + np.arange(d))).astype(np.float32))


def gemm(r):
    n = r["n"]
    dtype = torch.float64 if r.get("f64") else torch.float32
    a, b, c = (torch.rand(n, n, dtype=dtype) for _ in range(3))
    return lambda: torch.mm(a, b, out=c), {}


def conv(r):
    """Channels last, the faster layout here; gradients through the functions that autograd calls."""
    x = torch.rand(r["batch"], r["cin"], r["size"], r["size"]).contiguous(memory_format=torch.channels_last)
    w = torch.rand(r["cout"], r["cin"], r["kernel"], r["kernel"]).contiguous(memory_format=torch.channels_last)
    stride, pad = r["stride"], r["padding"]
    if r["pass"] == "forward":
        return lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=pad), {}
    dy = torch.nn.functional.conv2d(x, w, stride=stride, padding=pad).contiguous(memory_format=torch.channels_last)
    mask = [r["pass"] == "data gradient", r["pass"] == "weight gradient", False]
    pair = lambda v: [v, v]
    return lambda: torch.ops.aten.convolution_backward(
        dy, x, w, None, pair(stride), pair(pad), [1, 1], False, [0, 0], 1, mask), {}


def solve(r):
    x = features(r["n"], r["d"])

    def run():
        z = x.double()
        return torch.linalg.eigh(z.T @ z)

    values = torch.linalg.eigvalsh(x.double().T @ x.double()).flip(0)
    return run, {"values": values[: r["k"]].clamp_min(0).sqrt().tolist()}


OPERATIONS = {"gemm": gemm, "conv": conv, "solve": solve}
prepared = {}


def operation(name):
    @torch.inference_mode()
    def answer(r):
        key = json.dumps({k: v for k, v in r.items() if k not in ("threads", "seconds")}, sort_keys=True)
        if key not in prepared:
            prepared.clear()
            prepared[key] = OPERATIONS[name](r)
        run, extra = prepared[key]
        run()
        return {**protocol.measure(run, r["seconds"]), **extra}

    return answer
