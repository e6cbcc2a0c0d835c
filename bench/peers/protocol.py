"""What every peer in Python shares: requests and answers as JSON lines, timing, and the few formats that travel in them.

A request names an operation, its sizes and the threads. An answer to a measurement holds the median time of a call, in
seconds, over at least `seconds` of calls; arrays travel as base64 of little-endian values. The engine measures its own side
in between, on the same inputs. Bytes that a request needs (weights, images) come before it in pieces of some megabytes, by the
operation `blob`; what a peer has made for another one (an ONNX file) is asked for in pieces by `read`. See bench/results/README.md
for how to run the peers.
"""
import base64
import functools
import json
import statistics
import sys
import time
import traceback

import numpy as np

# A measurement of calls so long that the least number of them takes this many times its seconds ends there.
LONG = 3

blobs = {}
# How often each blob was begun anew: what was made from it before is of another one.
versions = {}


def decode(text, dtype=np.float32):
    return np.frombuffer(base64.b64decode(text), dtype)


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array, np.float32).tobytes()).decode()


def blob(name, dtype, shape):
    """An array that the tool sent before, as it was sent: images are [n, h, w, c]."""
    return np.frombuffer(blobs[name], dtype).reshape(shape)


def keep(name, data):
    """Keeps bytes under a name, as if the tool had sent them."""
    blobs[name] = bytearray(data)
    versions[name] = versions.get(name, 0) + 1


def safetensors(data):
    """The float32 tensors of a safetensors file (eight bytes of length, a JSON header, the values), and what the tool says of them."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(bytes(data[8 : 8 + length]))
    metadata = header.pop("__metadata__", {})
    values = memoryview(data)[8 + length :]
    tensors = {
        name: np.frombuffer(values[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy()
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }
    return tensors, {name.removeprefix("escnative."): value for name, value in metadata.items()}


def prepared(blob):
    """Keeps what a function makes for a request that comes again with other seconds, until the blob is another one."""

    def keeping(make):
        kept = {}

        @functools.wraps(make)
        def get(request):
            version = versions[blob]
            key = json.dumps({name: value for name, value in request.items() if name != "seconds"}, sort_keys=True)
            if kept.get("version") != version:
                kept.clear()
                kept["version"] = version
            if key not in kept:
                kept[key] = make(request)
            return kept[key]

        return get

    return keeping


def measure(run, seconds, least=3, prepare=None):
    """The median time of a call over `seconds` of calls, `least` at the least unless they are long; `prepare` runs before
    each call and is not timed."""
    times, begun = [], time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds or len(times) < least:
        if times and passed >= LONG * seconds:
            break
        state = () if prepare is None else (prepare(),)
        start = time.perf_counter()
        run(*state)
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "calls": len(times)}


def serve(operations):
    """Answers requests until the input ends. `operations`: name to function of the request."""

    def store(request):
        data = base64.b64decode(request["data"])
        if request.get("offset", 0) == 0:
            keep(request["name"], data)
        else:
            blobs[request["name"]] += data
        return {"bytes": len(blobs[request["name"]])}

    def read(request):
        start = request["offset"]
        return {"data": base64.b64encode(blobs[request["name"]][start : start + request["length"]]).decode()}

    operations = {"blob": store, "read": read, **operations}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = operations[request["op"]](request)
        except Exception as failure:
            traceback.print_exc()
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)
