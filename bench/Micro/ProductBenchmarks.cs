using BenchmarkDotNet.Attributes;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Micro;

/// <summary>Square matrix products in float32.</summary>
public unsafe class ProductBenchmarks
{
    private Floats _a = null!;
    private Floats _b = null!;
    private Floats _c = null!;

    [Params(64, 256, 1024)]
    public int N { get; set; }

    [GlobalSetup]
    public void Setup() => (_a, _b, _c) = (new Floats(N * N, 1), new Floats(N * N, 2), new Floats(N * N, 3));

    [GlobalCleanup]
    public void Cleanup()
    {
        _a.Dispose();
        _b.Dispose();
        _c.Dispose();
    }

    [Benchmark]
    public void Multiply() => Gemm.Multiply(N, N, N, _a.Pointer, N, false, _b.Pointer, N, false, _c.Pointer, N, false);
}
