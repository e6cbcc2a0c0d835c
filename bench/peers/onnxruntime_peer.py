#!/usr/bin/env python3
"""ONNX Runtime's side of `escnative peers`, on the model that the PyTorch peer exports; every CPU provider at hand is tried."""
import ctypes
import platform

import numpy as np
import onnxruntime

import protocol

PROVIDERS = {"cpu": "CPUExecutionProvider", "oneDNN": "DnnlExecutionProvider"}
# oneDNN's provider fails at the layer normalisation of these.
TRANSFORMERS = ("vit-ti16", "vit-s16", "vit-b16")


def hello(_):
    known = [name for name, provider in PROVIDERS.items() if provider in onnxruntime.get_available_providers()]
    return {
        "name": f"ONNX Runtime {onnxruntime.__version__}",
        "software": f"Python {platform.python_version()}, all graph optimisations",
        "variants": {"forward": {"*": known, **{name: ["cpu"] for name in TRANSFORMERS}}},
        "needsOnnx": True,
    }


def use_threads(threads):
    """oneDNN's provider takes its threads from OpenMP, not from the session."""
    try:
        ctypes.CDLL("libgomp.so.1").omp_set_num_threads(threads)
    except OSError:
        pass


@protocol.prepared("onnx")
def start(r):
    """Session and input of a request, warmed up."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = r["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    use_threads(r["threads"])
    session = onnxruntime.InferenceSession(bytes(protocol.blobs["onnx"]), options, providers=[PROVIDERS[r["variant"]]])
    x = protocol.blob(r["images"], np.float32, (-1, r["height"], r["width"], r["channels"]))[: r["batch"]]
    feed = {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}
    session.run(None, feed)
    return lambda: session.run(None, feed)[0]


def forward(r):
    run = start(r)
    output = run()
    return {**protocol.measure(run, r["seconds"]), "output": protocol.encode(output)}


protocol.serve({"hello": hello, "forward": forward})
