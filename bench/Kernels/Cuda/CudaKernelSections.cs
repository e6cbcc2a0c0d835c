using EscNative.Bench.Reports;

namespace EscNative.Bench.Kernels;

/// <summary>The GPU's rows as a section of a report.</summary>
internal static class CudaKernelSections
{
    public static Section Of(CudaKernelsResult result) => new(
        "Kernels on the GPU",
        new TextTable(
            ["operation", " ms", " TFLOP/s", " GB/s", " % of ceiling"],
            [.. result.Rows.Select(r => (IReadOnlyList<string>)
            [
                r.Name, Numbers.Short(r.Milliseconds), Numbers.Short(r.Tflops), Numbers.Short(r.GigabytesPerSecond), Numbers.Fixed(100 * r.CeilingShare),
            ])]),
        result.Emulated
            ? [$"{result.Device}: this is the emulated device of the tests. Everything was run on it; its times mean nothing and are not shown."]
            :
            [
                $"{result.Device}, compute capability {result.ComputeCapability}, driver for CUDA {result.Driver}. Ceilings, measured here: copy {Numbers.Short(result.CopyGigabytesPerSecond)} GB/s, products {Numbers.Short(result.F32Tflops)} TFLOP/s in float32 and {Numbers.Short(result.F64Tflops)} in float64.",
                "Medians of 20 samples between two events after warming up. Operations and bytes are counted as the mathematics does; a share is of the ceiling that is closer.",
            ]);
}
