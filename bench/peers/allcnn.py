"""All-CNN in PyTorch with the weights that the tool sends: inference and a training step, in every layout worth trying."""
import io

import numpy as np
import torch
import torch.fx.experimental.optimization as optimization
from torch import nn

import protocol

# nchw: the plain model; fold: batch normalisation folded into the convolutions; nhwc: channels last.
LAYOUTS = ("nchw", "fold", "nhwc", "fold+nhwc")
TRAINING_LAYOUTS = ("nchw", "nhwc")
STRIDED = ("2", "6")


class AllCnn(nn.Module):
    """The layers whose weights a safetensors file of the tool holds: blocks of convolution, normalisation, ReLU; a mean; a head."""

    def __init__(self, tensors):
        super().__init__()
        names = sorted({name.split(".")[1] for name in tensors if name.startswith("features.")}, key=int)
        self.features = nn.Sequential()
        for name in names:
            out, cin, kernel, _ = tensors[f"features.{name}.0.weight"].shape
            stride = 2 if name in STRIDED else 1
            block = nn.Sequential(nn.Conv2d(cin, out, kernel, stride, (kernel - 1) // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU())
            self.features.add_module(name, block)
        classes, width = tensors["head.0.weight"].shape
        self.head = nn.Sequential(nn.Linear(width, classes))
        state = {name: torch.from_numpy(value) for name, value in tensors.items() if not name.startswith("esc.")}
        missing = [key for key in self.load_state_dict(state, strict=False).missing_keys if "num_batches_tracked" not in key]
        if missing:
            raise ValueError(f"the model file lacks {missing}")

    def embed(self, x):
        return self.features(x).mean((2, 3))

    def forward(self, x):
        return self.head(self.embed(x))


def load():
    return AllCnn(protocol.safetensors(protocol.blobs["model"]))


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


def arrange(model, x, layout):
    """A model and its input in one of LAYOUTS."""
    if "fold" in layout:
        model = folded(model)
    if "nhwc" in layout:
        model, x = channels_last(model), channels_last(x)
    return model, x


@torch.inference_mode()
def forward(r):
    model, x = arrange(load().eval(), images(r), r["variant"])
    for _ in range(3):
        output = model(x)
    return {**protocol.measure(lambda: model(x), r["seconds"]), "output": protocol.encode(output.numpy())}


def train(r):
    """Forward, cross-entropy, backward, SGD. The output is the loss of the first `steps` steps."""
    model, x = arrange(load().train(), images(r), r["variant"])
    labels = torch.tensor(r["labels"], dtype=torch.int64)
    optimizer = torch.optim.SGD(model.parameters(), lr=r["rate"], momentum=r["momentum"], weight_decay=r["decay"])
    criterion = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    losses = [step().item() for _ in range(r["steps"])]
    return {**protocol.measure(step, r["seconds"]), "output": protocol.encode(np.array(losses))}


def export(r):
    """The model as ONNX, as PyTorch writes it; normalisation is left for the run time to fold."""
    file = io.BytesIO()
    x = torch.zeros(r["batch"], r["channels"], r["height"], r["width"])
    torch.onnx.export(load().eval(), x, file, opset_version=17, dynamo=False, input_names=["x"], output_names=["y"])
    return {"data": protocol.base64.b64encode(file.getvalue()).decode()}
