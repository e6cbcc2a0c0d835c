"""Writes images of many kinds with the pixels that Pillow gives, and digests of images that it resized.

    python3 record_pillow.py FOLDER [MANY]

FOLDER gets the images, decoded.txt (file, rows, columns, tolerance, SHA-256 of the RGB bytes), for images with a tolerance NAME.ppm, and
resized.txt. With MANY, that many further images of random sizes and settings are written too. Recorded with Pillow 11.1, torchvision 0.21.
"""
import hashlib
import os
import struct
import sys
import zlib

import numpy
from PIL import Image
from torchvision import transforms

folder = sys.argv[1]
many = int(sys.argv[2]) if len(sys.argv) > 2 else 0
os.makedirs(folder, exist_ok=True)
random = numpy.random.RandomState(15)
decoded = []


def picture(height, width, channels=3):
    """Smooth with some noise, as photos are."""
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [128 + 90 * numpy.sin(x / (5.0 + c) + c) * numpy.cos(y / (7.0 - c)) + random.randint(-20, 21, (height, width)) for c in range(channels)]
    pixels = numpy.clip(numpy.stack(planes, -1), 0, 255).astype(numpy.uint8)
    return pixels[:, :, 0] if channels == 1 else pixels


def record(name, tolerance=0):
    path = os.path.join(folder, name)
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    pixels = numpy.asarray(rgb).tobytes()
    decoded.append(f"{name} {rgb.height} {rgb.width} {tolerance} {hashlib.sha256(pixels).hexdigest()}")
    if tolerance:
        rgb.save(path + ".ppm")


def save(name, image, tolerance=0, **settings):
    image.save(os.path.join(folder, name), **settings)
    record(name, tolerance)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, height, width, depth, colour, interlaced=False, palette=b"", transparency=b"", others=b""):
    """Kinds that Pillow does not write: any depth, interlaced, with every filter."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    top = len(palette) // 3 if colour == 3 else 1 << depth
    samples = random.randint(0, top, (height, width, channels))
    if depth == 16:
        samples[: height // 2] %= 300
    data = b""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    for top_row, left, down, right in passes:
        part = samples[top_row::down, left::right]
        if part.size == 0:
            continue
        above = None
        for row in part:
            values = row.reshape(-1)
            if depth == 16:
                line = values.astype(">u2").tobytes()
            elif depth == 8:
                line = values.astype(numpy.uint8).tobytes()
            else:
                bits = "".join(format(v, f"0{depth}b") for v in values)
                bits += "0" * (-len(bits) % 8)
                line = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
            data += filtered(line, above, max(1, channels * depth // 8))
            above = line
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))) + others
    if palette:
        content += chunk(b"PLTE", palette)
    if transparency:
        content += chunk(b"tRNS", transparency)
    packed = zlib.compress(data)
    half = len(packed) // 2
    content += chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)
    record(name)


def filtered(line, above, step):
    kind = random.randint(0, 5)
    above = above or bytes(len(line))
    result = bytearray([kind])
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        up, corner = above[i], above[i - step] if i >= step else 0
        estimate = left + up - corner
        nearest = min((left, up, corner), key=lambda v: abs(estimate - v))
        result.append((value - [0, left, up, (left + up) // 2, nearest][kind]) & 255)
    return bytes(result)


rgb = Image.fromarray(picture(37, 53))
grey = Image.fromarray(picture(37, 53, 1), "L")
rgba = Image.fromarray(picture(23, 31, 4), "RGBA")
save("rgb.png", rgb)
save("one.png", Image.fromarray(picture(1, 1)))
save("rgba.png", rgba)
save("grey.png", grey)
save("grey-alpha.png", Image.merge("LA", rgba.split()[2:]))
save("bit.png", grey.convert("1"))
save("palette.png", rgb.quantize(100))
save("palette-alpha.png", rgb.quantize(7), transparency=bytes([0, 128, 255, 3]))
save("grey16.png", Image.fromarray(random.randint(0, 65536, (9, 13)).astype(numpy.uint16)))
for depth in (1, 2, 4, 8, 16):
    png(f"grey{depth}-made.png", 19, 13, depth, 0, interlaced=depth in (2, 16))
for depth in (1, 2, 4, 8):
    png(f"palette{depth}-made.png", 11, 17, depth, 3, interlaced=depth == 8, palette=bytes(random.randint(0, 256, 3 << depth).tolist()), transparency=bytes([0, 90]))
png("rgb16-made.png", 12, 7, 16, 2)
png("rgb-interlaced.png", 21, 18, 8, 2, interlaced=True)
png("grey-alpha16-made.png", 8, 9, 16, 4)
png("rgba16-made.png", 8, 9, 16, 6, interlaced=True)
png("rgb-transparent.png", 8, 9, 8, 2, transparency=struct.pack(">HHH", 1, 2, 3))
png("grey-transparent.png", 8, 9, 8, 0, transparency=struct.pack(">H", 5))
png("gamma.png", 8, 9, 8, 2, others=chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)))
png("sliver.png", 1, 53, 8, 2, interlaced=True)
for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
    save(f"baseline-{name}.jpg", rgb, quality=85, subsampling=subsampling)
    save(f"progressive-{name}.jpg", rgb, quality=75, subsampling=subsampling, progressive=True)
    save(f"small-{name}.jpg", Image.fromarray(picture(3, 5)), quality=95, subsampling=subsampling)
save("one.jpg", Image.fromarray(picture(1, 1)), quality=90)
save("restart.jpg", rgb, quality=60, subsampling=2, restart_marker_blocks=3)
save("optimised.jpg", Image.fromarray(picture(17, 9)), quality=30, optimize=True)
save("grey.jpg", grey, quality=80)
save("grey-progressive.jpg", grey, quality=80, progressive=True)
exif = Image.Exif()
exif[0x112] = 6
save("turned.jpg", rgb, quality=80, exif=exif)
save("cmyk.jpg", Image.fromarray(picture(24, 29, 4), "CMYK"), tolerance=1, quality=85)
save("cmyk-progressive.jpg", Image.fromarray(picture(13, 10, 4), "CMYK"), tolerance=1, quality=85, progressive=True)
save("lossy.webp", rgb, tolerance=1, quality=70)
save("lossless.webp", rgb, tolerance=1, lossless=True)
save("alpha.webp", rgba, tolerance=1, lossless=True, exact=True)
save("rgb.bmp", rgb)
save("grey.bmp", grey)
save("bit.bmp", grey.convert("1"))
save("palette.bmp", rgb.quantize(40))
save("rgba.bmp", rgba)

for i in range(many):
    height, width = (int(v) for v in random.randint(1, 200, 2))
    kind = i % 10
    image = Image.fromarray(picture(height, width))
    if kind < 6:
        settings = dict(quality=int(random.randint(5, 101)), subsampling=int(random.randint(0, 3)), progressive=bool(kind % 2), optimize=bool(random.randint(0, 2)))
        save(f"many-{i}.jpg", image, **settings)
    elif kind == 6:
        save(f"many-{i}.jpg", image.convert("L"), quality=int(random.randint(5, 101)), progressive=bool(random.randint(0, 2)))
    elif kind == 7:
        if i % 20 == 7:
            save(f"many-{i}.jpg", Image.fromarray(picture(height, width, 4), "CMYK"), tolerance=1, quality=int(random.randint(5, 101)))
        else:
            save(f"many-{i}.webp", image, tolerance=1, quality=int(random.randint(5, 101)))
    elif kind == 8:
        colour, depth = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)][random.randint(0, 11)]
        png(f"many-{i}.png", height // 4 + 1, width // 4 + 1, depth, colour, interlaced=bool(random.randint(0, 2)))
    else:
        save(f"many-{i}.bmp", image)

with open(os.path.join(folder, "decoded.txt"), "w") as file:
    file.write("\n".join(decoded) + "\n")


def formula(height, width, channels):
    """What the tests make too: no file is needed."""
    y, x, c = numpy.mgrid[0:height, 0:width, 0:channels]
    return ((y * 37 + x * 101 + c * 59 + (x * y * (c + 3)) // 5 + (x ^ (y * 3))) % 256).astype(numpy.uint8)


def digest(array):
    return hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest()


filters = {"Box": Image.BOX, "Bilinear": Image.BILINEAR, "Hamming": Image.HAMMING, "Bicubic": Image.BICUBIC, "Lanczos": Image.LANCZOS}
with open(os.path.join(folder, "resized.txt"), "w") as file:
    for i in range(110):
        height, width, tall, wide = (int(v) for v in random.randint(1, 90, 4))
        if i % 11 == 0:
            tall = height
        if i % 13 == 0:
            wide = width
        channels = 1 if i % 4 == 3 else 3
        name = list(filters)[i % 5]
        array = formula(height, width, channels)
        image = Image.fromarray(array[:, :, 0], "L") if channels == 1 else Image.fromarray(array)
        file.write(f"resize {height} {width} {channels} {tall} {wide} {name} {digest(image.resize((wide, tall), filters[name]))}\n")
    for i in range(24):
        height, width, side = (int(v) for v in random.randint(3, 120, 3))
        bicubic = i % 2 == 1
        resize = side * 10 // 9 if bicubic else side * 256 // 224
        mode = transforms.InterpolationMode.BICUBIC if bicubic else transforms.InterpolationMode.BILINEAR
        steps = transforms.Compose([transforms.Resize(resize, mode), transforms.CenterCrop(side)])
        file.write(f"{'crop-bicubic' if bicubic else 'crop'} {height} {width} 3 {side} {side} - {digest(steps(Image.fromarray(formula(height, width, 3))))}\n")
    for i in range(16):
        height, width, tall, wide = (int(v) for v in random.randint(1, 20, 4))
        file.write(f"centre {height} {width} 3 {tall} {wide} - {digest(transforms.CenterCrop((tall, wide))(Image.fromarray(formula(height, width, 3))))}\n")
    file.write(f"grey 40 50 3 40 50 - {digest(Image.fromarray(formula(40, 50, 3)).convert('L'))}\n")
