#!/usr/bin/env python3
"""PyTorch's side of `escnative kernels` and `escnative peers`.

Run it with one OpenMP pool (OpenBLAS built for OpenMP) and with an allocator that keeps its memory: with two pools, or with
every large activation mapped anew, PyTorch is several times slower than it can be.
"""
import platform

import torch

import classifiers
import esc
import esct
import kernels
import networks
import protocol


def hello(_):
    pool = [line.split(": ")[1] for line in torch.__config__.parallel_info().splitlines() if "parallel backend" in line]
    return {
        "name": f"PyTorch {torch.__version__}",
        "software": f"Python {platform.python_version()}, threads by {pool[0]}, oneDNN {'on' if torch.backends.mkldnn.is_available() else 'off'}, "
        f"{torch.backends.cpu.get_cpu_capability()}",
        "variants": {**classifiers.variants(), "esc": dict.fromkeys(networks.BUILDERS, esc.variants()), "esct": esct.variants()},
        "exports": True,
    }


def with_threads(operation):
    def run(request):
        torch.set_num_threads(request["threads"])
        return operation(request)

    return run


protocol.serve({
    "hello": hello,
    "export": classifiers.export,
    "forward": with_threads(classifiers.forward),
    "train": with_threads(classifiers.train),
    "esc": with_threads(esc.request),
    "esct": with_threads(esct.request),
    **{name: with_threads(kernels.operation(name)) for name in kernels.OPERATIONS},
})
