"""An ESC request in PyTorch: as the released code does it, and as an engineer who knows PyTorch would write it."""
import copy

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, SubsetRandomSampler

import classifiers
import protocol

try:
    from PIL import Image
    from torchvision import transforms
except ImportError:
    transforms = None

BATCH = 64


def variants():
    """released: with PIL and torchvision, as it is. released, tensors: the same on images that are tensors already.
    optimised: the same result from a tuned feature pass and a Gram matrix."""
    return (["released"] if transforms else []) + ["released, tensors", "optimised"]


def per_channel(r):
    """Mean and deviation as [c, 1, 1]."""
    return torch.tensor(r["mean"])[:, None, None], torch.tensor(r["deviation"])[:, None, None]


class PilImages(Dataset):
    """torchvision's CIFAR10: an array that becomes a PIL image, is flipped at random, converted and normalised, one by one."""

    def __init__(self, pixels, r):
        self.pixels = pixels
        self.transform = transforms.Compose([
            transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize(r["mean"], r["deviation"])])

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.pixels[index])), 0


class TensorImages(Dataset):
    """The same without PIL."""

    def __init__(self, pixels, r):
        self.pixels = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
        self.mean, self.deviation = per_channel(r)

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        image = self.pixels[index].float().div_(255).sub_(self.mean).div_(self.deviation)
        return (image.flip(2) if torch.rand(1) < 0.5 else image), 0


class Padded(Dataset):
    """As many entries as the whole training set; those of the images to forget come first, no other one is read."""

    def __init__(self, images, count):
        self.images, self.count = images, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.images[index]


def released(model, images, r):
    """The released code's order: features in training mode, through the training transform, in batches of 64 from a random
    sampler, into a log with a row for every training image; the SVD of the whole log, zero columns too; the directions that
    stay, as the operator."""
    count = len(images)
    loader = DataLoader(Padded(images, r["trainImages"]), batch_size=BATCH, sampler=SubsetRandomSampler(range(count)))
    with torch.no_grad():
        log = torch.zeros(len(loader.dataset), model.head.in_features)
        for i, (x, _) in enumerate(loader):
            features = model.embed(x)
            model.head(features)
            log[i * BATCH : i * BATCH + len(features)] = features
        u, _, _ = torch.svd(log.T)
        model.register_buffer("esc", u[:, r["k"] :].contiguous())
    return u[:, : r["k"]]


@torch.inference_mode()
def optimised(model, pixels, r):
    """Features in evaluation mode from a model that is folded already, channels last, in batches of 128; Gram matrix and
    eigenvectors in float64; the projection folded into the head."""
    mean, deviation = per_channel(r)
    d = model.head.in_features
    gram = torch.zeros(d, d, dtype=torch.float64)
    for batch in torch.from_numpy(pixels).split(128):
        # [n, h, w, c] in memory is what channels last means.
        features = model.embed(batch.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(deviation)).double()
        gram += features.T @ features
    u = torch.linalg.eigh(gram).eigenvectors.flip(1)[:, : r["k"]].float()
    weight = model.head.weight
    weight.copy_(weight - (weight @ u) @ u.T)
    return u


def request(r):
    """The output is the directions that were removed, [d, k]. Neither loading (and folding) the model nor making the image set
    is timed."""
    pixels = protocol.blob(r["images"], np.uint8, (-1, r["height"], r["width"], r["channels"]))
    run, images = {
        "released": lambda: (released, PilImages(pixels, r)),
        "released, tensors": lambda: (released, TensorImages(pixels, r)),
        "optimised": lambda: (optimised, pixels),
    }[r["variant"]]()
    source = classifiers.load().train()
    if run is optimised:
        source = classifiers.channels_last(classifiers.folded(source))
    result = {}

    def once(model):
        result["u"] = run(model, images, r)

    timing = protocol.measure(once, r["seconds"], least=1, prepare=lambda: copy.deepcopy(source))
    return {**timing, "output": protocol.encode(result["u"].numpy())}
