#!/usr/bin/env python3
"""libjpeg-turbo's side of `escnative peers --filter decode`: the system's TurboJPEG, called from Python with a handle and memory that are kept,
and, where it is installed, the program djpeg, a process for each image.

Wants NumPy and libturbojpeg (Debian: python3-numpy, libturbojpeg0, libjpeg-turbo-progs). The exact transform and upsampling, as ours.
"""
import ctypes
import ctypes.util
import platform
import shutil
import subprocess
import tempfile

import numpy as np

import protocol

ACCURATE_DCT = 4096

path = next((name for name in ("libturbojpeg.so.0", ctypes.util.find_library("turbojpeg")) if name), None)
library = ctypes.CDLL(path)
library.tjInitDecompress.restype = ctypes.c_void_p
handle = ctypes.c_void_p(library.tjInitDecompress())
djpeg = shutil.which("djpeg")


def hello(_):
    version = subprocess.run([djpeg, "-version"], stderr=subprocess.PIPE, text=True).stderr.split("\n")[0] if djpeg else "no djpeg"
    return {
        "name": "libjpeg-turbo",
        "software": f"{path}, {version}, Python {platform.python_version()}",
        "variants": {"decode": ["TurboJPEG", *(["djpeg, a process each"] if djpeg else [])]},
    }


def by_library(r, data):
    width, height = r["width"], r["height"]
    pixels = np.empty(width * height * 3, np.uint8)
    sizes = [ctypes.c_int() for _ in range(4)]
    file, length = (ctypes.c_ubyte * len(data)).from_buffer(data), ctypes.c_ulong(len(data))
    target, pointers = pixels.ctypes.data_as(ctypes.c_void_p), [ctypes.byref(size) for size in sizes]

    def run():
        for _ in range(r["images"]):
            # The size of an image is not known before its header is read.
            failed = library.tjDecompressHeader3(handle, file, length, *pointers)
            if failed or library.tjDecompress2(handle, file, length, target, width, 0, height, 0, ACCURATE_DCT):
                raise RuntimeError("TurboJPEG does not decode the image")

    return run, lambda: pixels


def by_program(r, data, folder):
    name = f"{folder}/photo.jpg"
    with open(name, "wb") as file:
        file.write(data)

    def run():
        for _ in range(r["images"]):
            subprocess.run([djpeg, "-outfile", "/dev/null", name], check=True)

    def pixels():
        ppm = subprocess.run([djpeg, name], check=True, stdout=subprocess.PIPE).stdout
        return np.frombuffer(ppm, np.uint8)[-r["width"] * r["height"] * 3 :]

    return run, pixels


def decode(r):
    with tempfile.TemporaryDirectory() as folder:
        data = protocol.blobs["jpeg"]
        run, pixels = by_library(r, data) if r["variant"] == "TurboJPEG" else by_program(r, data, folder)
        run()
        timing = protocol.measure(run, r["seconds"])
        return {**timing, "output": protocol.encode(pixels()[:: r["stride"]])}


protocol.serve({"hello": hello, "decode": decode})
