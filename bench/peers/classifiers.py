"""Inference and a training step in PyTorch, with the weights that the tool sends, in every way worth trying."""
import copy
import io
import shutil

import numpy as np
import torch
import torch.fx.experimental.optimization as optimization
from torch import nn
from torch.utils import mkldnn

import networks
import protocol

# nchw: the plain model; fold: batch normalisation folded into the convolutions; nhwc: channels last; mkldnn: weights and activations
# in the blocked layouts of oneDNN; compile: torch.compile with frozen weights, which needs a C++ compiler at hand.
COMPILERS = ("compile",) if shutil.which("g++") else ()
CONVOLUTIONAL = ("nchw", "fold", "nhwc", "fold+nhwc", "mkldnn", *COMPILERS)
TRANSFORMER = ("eager", *COMPILERS)
# nhwc: channels last, as are the others behind it; foreach: an optimiser that takes all weights in each operation; fused: in one kernel;
# compile: fused, the network by torch.compile.
TRAINING = ("nchw", "nhwc", "foreach", "fused", *COMPILERS)


def variants():
    """By operation and by architecture."""
    # A shortcut that takes every second pixel exists in no layout of oneDNN's.
    plain = tuple(variant for variant in CONVOLUTIONAL if variant != "mkldnn")
    kinds = {
        name: TRANSFORMER if name.startswith("vit") else plain if networks.BUILDERS[name] is networks.small_resnet else CONVOLUTIONAL
        for name in networks.BUILDERS
    }
    return {"forward": {name: list(kind) for name, kind in kinds.items()}, "train": {name: list(TRAINING) for name in kinds}}


def load():
    return networks.build(*protocol.safetensors(protocol.blobs["model"]))


def images(r):
    """Normalised images of the request, [n, c, h, w] in memory."""
    x = protocol.blob(r["images"], np.float32, (-1, r["height"], r["width"], r["channels"]))[: r["batch"]]
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def channels_last(model_or_tensor):
    return model_or_tensor.to(memory_format=torch.channels_last)


def folded(model):
    """The model for inference, batch normalisation folded into its convolutions."""
    model.eval()
    model.features = optimization.fuse(model.features)
    return model


def compiled(model):
    torch._dynamo.reset()
    torch._inductor.config.freezing = True
    return torch.compile(channels_last(model))


def arranged(model, x, variant):
    """A function of no argument: the class scores of x."""
    if variant == "mkldnn":
        features, x = mkldnn.to_mkldnn(folded(model).features), x.to_mkldnn()
        return lambda: model.head(features(x).to_dense())
    if "fold" in variant:
        model = folded(model)
    if variant == "compile":
        model, x = compiled(model), channels_last(x)
    elif "nhwc" in variant:
        model, x = channels_last(model), channels_last(x)
    return lambda: model(x)


@protocol.prepared("model")
def inference(r):
    run = arranged(load().eval(), images(r), r["variant"])
    run()
    return run


@torch.inference_mode()
def forward(r):
    run = inference(r)
    output = run()
    return {**protocol.measure(run, r["seconds"]), "output": protocol.encode(output.numpy())}


@protocol.prepared("model")
def training(r):
    """The model with its first values, a function that gives it those again, and one that makes a step."""
    variant = r["variant"]
    model, x = load().train(), images(r)
    if variant != "nchw":
        model, x = channels_last(model), channels_last(x)
    first = copy.deepcopy(model.state_dict())
    labels = torch.tensor(r["labels"], dtype=torch.int64)
    way = {"foreach": {"foreach": True}, "fused": {"fused": True}, "compile": {"fused": True}}.get(variant, {})
    optimizer = torch.optim.SGD(model.parameters(), lr=r["rate"], momentum=r["momentum"], weight_decay=r["decay"], **way)
    criterion = nn.CrossEntropyLoss()
    network = compiled(model) if variant == "compile" else model

    def begin():
        model.load_state_dict(first)
        optimizer.state.clear()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(network(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return begin, step


def train(r):
    """Forward, cross-entropy, backward, SGD. The output is the loss of the first `steps` steps."""
    begin, step = training(r)
    begin()
    losses = [step().item() for _ in range(r["steps"])]
    return {**protocol.measure(step, r["seconds"]), "output": protocol.encode(np.array(losses))}


def export(r):
    """The model as ONNX, as PyTorch writes it, kept for `read`; normalisation is left for the run time to fold."""
    file = io.BytesIO()
    x = torch.zeros(r["batch"], r["channels"], r["height"], r["width"])
    torch.onnx.export(load().eval(), x, file, opset_version=17, dynamo=False, input_names=["x"], output_names=["y"])
    protocol.keep("onnx", file.getvalue())
    return {"bytes": file.tell()}
