"""Writes what torchvision's RandomResizedCrop takes of photos, with the numbers that it drew, and digests of the resized parts.

    python3 record_crops.py FILE

Lines: crop HEIGHT WIDTH TOP LEFT ROWS COLUMNS then SCALE RATIO for each try: the last try fits, or ten did not.
Lines: part HEIGHT WIDTH CHANNELS TOP LEFT ROWS COLUMNS TALL WIDE FILTER SHA-256. Recorded with torch 2.6, torchvision 0.21, Pillow 11.1.
"""
import hashlib
import sys

import numpy
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional

random = numpy.random.RandomState(16)
torch.manual_seed(16)


def formula(height, width, channels):
    """What the tests make too: no file is needed."""
    y, x, c = numpy.mgrid[0:height, 0:width, 0:channels]
    return ((y * 37 + x * 101 + c * 59 + (x * y * (c + 3)) // 5 + (x ^ (y * 3))) % 256).astype(numpy.uint8)


def drawn(height, width):
    """The numbers behind the next call, drawn again from the same state."""
    log_ratio = torch.log(torch.tensor((3.0 / 4.0, 4.0 / 3.0)))
    tries = []
    for _ in range(10):
        scale = torch.empty(1).uniform_(0.08, 1.0).item()
        ratio = torch.exp(torch.empty(1).uniform_(log_ratio[0], log_ratio[1])).item()
        tries.append((scale, ratio))
        rows, columns = round((height * width * scale / ratio) ** 0.5), round((height * width * scale * ratio) ** 0.5)
        if 0 < columns <= width and 0 < rows <= height:
            break
    return tries


with open(sys.argv[1], "w") as file:
    for i in range(120):
        height, width = (int(v) for v in random.randint(1, 500, 2))
        if i % 6 == 0:
            width = height * int(random.randint(2, 9)) + 1
        if i % 6 == 1:
            height = width * int(random.randint(2, 9)) + 1
        state = torch.get_rng_state()
        box = transforms.RandomResizedCrop.get_params(Image.new("L", (width, height)), (0.08, 1.0), (3.0 / 4.0, 4.0 / 3.0))
        after = torch.get_rng_state()
        torch.set_rng_state(state)
        tries = drawn(height, width)
        torch.set_rng_state(after)
        file.write(f"crop {height} {width} {' '.join(str(v) for v in box)} {' '.join(f'{a!r} {b!r}' for a, b in tries)}\n")
    for i in range(40):
        height, width = (int(v) for v in random.randint(2, 90, 2))
        rows, columns = int(random.randint(1, height + 1)), int(random.randint(1, width + 1))
        top, left = int(random.randint(0, height - rows + 1)), int(random.randint(0, width - columns + 1))
        tall, wide = (int(v) for v in random.randint(1, 60, 2))
        if i % 5 == 0:
            tall, wide = rows, columns
        channels = 1 if i % 4 == 3 else 3
        mode = transforms.InterpolationMode.BICUBIC if i % 2 else transforms.InterpolationMode.BILINEAR
        array = formula(height, width, channels)
        image = Image.fromarray(array[:, :, 0], "L") if channels == 1 else Image.fromarray(array)
        part = functional.resized_crop(image, top, left, rows, columns, (tall, wide), mode)
        digest = hashlib.sha256(numpy.ascontiguousarray(part).tobytes()).hexdigest()
        file.write(f"part {height} {width} {channels} {top} {left} {rows} {columns} {tall} {wide} {'Bicubic' if i % 2 else 'Bilinear'} {digest}\n")
