"""The networks that the tool sends, in PyTorch: an extractor `features`, images [n, c, h, w] to [n, d], and a linear `head`.

The weights come as a safetensors file with PyTorch's names; its metadata say which network they are of. ResNet-18, -34 and -50 are
torchvision's own.
"""
import functools

import torch
import torch.nn.functional as F
from torch import nn

try:
    import torchvision
except ImportError:
    torchvision = None


class Mean(nn.Module):
    """The mean over rows and columns."""

    def forward(self, x):
        # As a pooling it exists in oneDNN's layouts too; elsewhere it is the same call.
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class Classifier(nn.Module):
    """An extractor and a head. `names` turns a name of the file into one of this module's."""

    def __init__(self, features, head, names=lambda name: name):
        super().__init__()
        self.features, self.head, self.names = features, head, names

    def embed(self, x):
        return self.features(x)

    def forward(self, x):
        return self.head(self.features(x))

    def take(self, tensors):
        """Takes the values of a file; what is left over, missing or of another shape is an error."""
        state = {self.names(name): torch.from_numpy(value) for name, value in tensors.items()}
        missing, unexpected = self.load_state_dict(state, strict=False)
        # Counters of batches are no float32 values and decide nothing here.
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise ValueError(f"the model file lacks {missing} and has {unexpected} beside what the network takes")
        return self


def linear(tensors, name):
    classes, width = tensors[f"{name}.weight"].shape
    return nn.Linear(width, classes)


def renamed(*pairs, otherwise=""):
    """Names with their beginning replaced: the first pair that fits, else `otherwise` before the name."""

    def rename(name):
        for old, new in pairs:
            if name.startswith(old):
                return new + name[len(old) :]
        return otherwise + name

    return rename


def allcnn(tensors, _):
    """Blocks of convolution, normalisation, ReLU; a mean; a head."""
    strided = ("2", "6")
    features = nn.Sequential()
    for name in sorted({name.split(".")[1] for name in tensors if name.startswith("features.")}, key=int):
        out, cin, kernel, _ = tensors[f"features.{name}.0.weight"].shape
        conv = nn.Conv2d(cin, out, kernel, 2 if name in strided else 1, (kernel - 1) // 2, bias=False)
        features.add_module(name, nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU()))
    features.add_module("mean", Mean())
    return Classifier(features, linear(tensors, "head.0"), renamed(("head.0.", "head.")))


def resnet(tensors, metadata):
    """torchvision's; with a stem for small images its first convolution is 3x3 and its pooling gone."""
    name = metadata["architecture"]
    filters, channels, kernel, _ = tensors["conv1.weight"].shape
    if filters != 64:
        raise ValueError(f"torchvision has {name} with 64 filters in its first stage, the model has {filters}")
    network = getattr(torchvision.models, name)(weights=None)
    if kernel == 3:
        network.conv1, network.maxpool = nn.Conv2d(channels, filters, 3, 1, 1, bias=False), nn.Identity()
    elif channels != 3:
        network.conv1 = nn.Conv2d(channels, filters, 7, 2, 3, bias=False)
    network.fc = nn.Identity()
    return Classifier(network, linear(tensors, "fc"), renamed(("fc.", "head."), otherwise="features."))


class SmallBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without weights: every second pixel, zeros as further channels."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.more or self.stride != 1:
            before = self.more // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.more - before))
        return F.relu(y + x)


class SmallResNet(nn.Module):
    def __init__(self, filters, channels, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU()
        self.stages = [f"layer{s + 1}" for s in range(3)]
        inputs = filters
        for s, stage in enumerate(self.stages):
            outputs, layers = filters << s, []
            for b in range(blocks):
                layers.append(SmallBlock(inputs, outputs, 2 if s > 0 and b == 0 else 1))
                inputs = outputs
            setattr(self, stage, nn.Sequential(*layers))

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return x.mean((2, 3))


def small_resnet(tensors, metadata):
    """ResNet-20 to -56 for CIFAR, as their public implementation has them."""
    filters, channels, _, _ = tensors["conv1.weight"].shape
    blocks = (int(metadata["architecture"].removeprefix("resnet")) - 2) // 6
    return Classifier(SmallResNet(filters, channels, blocks), linear(tensors, "linear"), renamed(("linear.", "head."), otherwise="features."))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Patches(nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """timm's names and order: patches, a class token before them, positions, pre-norm blocks, a norm; the class token is the feature."""

    def __init__(self, channels, width, heads, depth, patch, tokens):
        super().__init__()
        self.patch_embed = Patches(channels, width, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        return self.norm(self.blocks(x)[:, 0])


def vit(tensors, metadata, heads):
    width, channels, patch, _ = tensors["patch_embed.proj.weight"].shape
    depth = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))
    network = VisionTransformer(channels, width, heads, depth, patch, tensors["pos_embed"].shape[1])
    return Classifier(network, linear(tensors, "head"), renamed(("head.", "head."), otherwise="features."))


BUILDERS = {
    "allcnn": allcnn,
    **({name: resnet for name in ("resnet18", "resnet34", "resnet50")} if torchvision else {}),
    **{f"resnet{depth}": small_resnet for depth in (20, 32, 44, 56)},
    **{name: functools.partial(vit, heads=heads) for name, heads in (("vit-ti16", 3), ("vit-s16", 6), ("vit-b16", 12))},
}


def build(tensors, metadata):
    """The network of a file, in training mode, with its values."""
    name = metadata["architecture"]
    if name not in BUILDERS:
        raise ValueError(f"no {name} here, only {', '.join(BUILDERS)}")
    return BUILDERS[name](tensors, metadata).take({name: value for name, value in tensors.items() if not name.startswith("esc.")})
