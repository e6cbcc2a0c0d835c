namespace EscNative.Bench.Reports;

/// <summary>The GPU's rows as a section of a report.</summary>
internal static class CudaKernelSections
{
    public static Section Of(CudaKernelsResult result) =>
        result.PredictedFor is not null && result.Rows.All(r => r.Samples == 0) ? Predicted(result) : Measured(result);

    private static Section Measured(CudaKernelsResult result) => new(
        "Kernels on the GPU",
        new TextTable(
            ["operation", " ms", " predicted", " TFLOP/s", " GB/s", " % of ceiling"],
            [.. result.Rows.Select(r => (IReadOnlyList<string>)
            [
                r.Name, Numbers.Short(r.Milliseconds), Numbers.Short(r.PredictedMilliseconds), Numbers.Short(r.Tflops), Numbers.Short(r.GigabytesPerSecond), Numbers.Fixed(100 * r.CeilingShare),
            ])]),
        result.Emulated
            ? [$"{result.Device}: this is the emulated device of the tests. Everything was run on it; its times mean nothing and are not shown."]
            :
            [
                $"{result.Device}, compute capability {result.ComputeCapability}, driver for CUDA {result.Driver}. Ceilings, measured here: copy {Numbers.Short(result.CopyGigabytesPerSecond)} GB/s, products {Numbers.Short(result.F32Tflops)} TFLOP/s in float32 and {Numbers.Short(result.F64Tflops)} in float64.",
                "Medians of 20 samples between two events after warming up. Operations and bytes are counted as the mathematics does; a share is of the ceiling that is closer.",
                result.PredictedFor is { } model
                    ? $"Predicted by the model of an {model} (docs/gpu-model.md)."
                    : "There is no model of this device: nothing is predicted (docs/gpu-model.md).",
            ]);

    private static Section Predicted(CudaKernelsResult result) => new(
        $"Predicted for an {result.PredictedFor}, nothing measured",
        new TextTable(["operation", " predicted ms"], [.. result.Rows.Select(r => (IReadOnlyList<string>)[r.Name, Numbers.Short(r.PredictedMilliseconds)])]),
        ["By the model in docs/gpu-model.md: floating-point operations, bytes, rounds of blocks and launches. No GPU was asked."]);
}
