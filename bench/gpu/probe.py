# probe.py FILE: what this GPU does under PyTorch, for the ceilings and the peers of our own figures. Medians in milliseconds, as JSON.
# Random inputs, never zeros: multiplying zeros is faster than multiplying numbers.
import json
import statistics
import sys

import torch

device = torch.device("cuda")
rows = {}


def measure(name, call, samples=20, budget=2.0):
    """The median time of a call between two events, as the workshop of `escnative kernels` measures."""
    try:
        for _ in range(3):
            call()
        torch.cuda.synchronize()
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

        def sample(calls):
            start.record()
            for _ in range(calls):
                call()
            end.record()
            end.synchronize()
            return start.elapsed_time(end) / calls

        calls = int(min(max(budget / max(sample(1), 1e-3), 1), 1000))
        rows[name] = statistics.median(sample(calls) for _ in range(samples))
    except Exception as error:  # a driver or a type that this build lacks is a finding, not a failure
        rows[name] = f"{type(error).__name__}: {str(error)[:200]}"


def random(*shape, dtype=torch.float32):
    return torch.rand(*shape, device=device, dtype=torch.float32).to(dtype)


x = random(1 << 26)
y = torch.empty_like(x)
measure("copy, 67,108,864 values", lambda: y.copy_(x))
measure("relu, 67,108,864 values", lambda: torch.relu(x))
del x, y

for tf32 in (False, True):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    label = "TF32" if tf32 else "F32"
    for n in (1024, 2048, 4096):
        a, b = random(n, n), random(n, n)
        measure(f"product {n}, {label}", lambda: a @ b)
    for cin, cout, side, kernel, stride in ((3, 48, 32, 3, 1), (48, 48, 32, 3, 1), (48, 96, 32, 3, 2), (96, 96, 16, 3, 1), (96, 96, 8, 1, 1),
                                            (64, 64, 32, 3, 1), (128, 128, 16, 3, 1), (256, 256, 8, 3, 1), (512, 512, 4, 3, 1)):
        conv = torch.nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False).to(device, memory_format=torch.channels_last)
        images = random(256, cin, side, side).to(memory_format=torch.channels_last)
        torch.backends.cudnn.benchmark = True
        with torch.no_grad():
            measure(f"convolution {kernel}x{kernel} stride {stride} {cin} -> {cout} of 256 x {side} x {side}: forward, {label}", lambda: conv(images))
torch.backends.cuda.matmul.allow_tf32 = False

for dtype, label in ((torch.bfloat16, "BF16"), (torch.float64, "F64")):
    a, b = random(4096, 4096, dtype=dtype), random(4096, 4096, dtype=dtype)
    measure(f"product 4096, {label}", lambda: a @ b)

tiny = random(1)
measure("launch of a kernel for one value", lambda: tiny.neg())

for d, n in ((96, 5000), (512, 5000), (768, 5000), (768, 500)):
    z = torch.relu(torch.randn(d, n, device=device) + torch.randn(d, 1, device=device))
    wide = z.double()
    tall = z.T.contiguous() if n >= d else z
    for driver in ("gesvd", "gesvdj", "gesvda"):
        measure(f"svd {d} x {n}, {driver}", lambda: torch.linalg.svd(tall, full_matrices=False, driver=driver), samples=5)
    gram = wide @ wide.T
    measure(f"Gram {d} x {n}, F64", lambda: wide @ wide.T)
    measure(f"eigh {d}, F64", lambda: torch.linalg.eigh(gram), samples=5)
    measure(f"eigh {d}, F32", lambda: torch.linalg.eigh(gram.float()), samples=5)

properties = torch.cuda.get_device_properties(0)
result = {
    "device": properties.name,
    "torch": torch.__version__,
    "cuda": torch.version.cuda,
    "cudnn": torch.backends.cudnn.version(),
    "milliseconds": rows,
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(result, file, indent=1)
