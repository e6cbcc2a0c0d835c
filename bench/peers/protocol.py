"""What every peer in Python shares: requests and answers as JSON lines, timing, and the few formats that travel in them.

A request names an operation, its sizes and the threads. An answer to a measurement holds the median time of a call, in
seconds, over at least `seconds` of calls; arrays travel as base64 of little-endian values. The engine measures its own side
in between, on the same inputs. See bench/results/README.md for how to run the peers.
"""
import base64
import json
import statistics
import sys
import time
import traceback

import numpy as np

blobs = {}


def decode(text, dtype=np.float32):
    return np.frombuffer(base64.b64decode(text), dtype)


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array, np.float32).tobytes()).decode()


def blob(name, dtype, shape):
    """An array that the tool sent before, as it was sent: images are [n, h, w, c]."""
    return np.frombuffer(blobs[name], dtype).reshape(shape)


def safetensors(data):
    """The float32 tensors of a safetensors file: eight bytes of length, a JSON header, the values."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    values = memoryview(data)[8 + length :]
    return {
        name: np.frombuffer(values[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy()
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }


def measure(run, seconds, least=3, prepare=None):
    """The median time of a call; `prepare` runs before each call and is not timed."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        state = () if prepare is None else (prepare(),)
        start = time.perf_counter()
        run(*state)
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "calls": len(times)}


def serve(operations):
    """Answers requests until the input ends. `operations`: name to function of the request."""

    def store(request):
        blobs[request["name"]] = base64.b64decode(request["data"])
        return {"bytes": len(blobs[request["name"]])}

    operations = {"blob": store, **operations}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = operations[request["op"]](request)
        except Exception as failure:
            traceback.print_exc()
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)
