namespace EscNative.Bench.Reports;

/// <summary>The workshop on a GPU.</summary>
/// <param name="Device">The device's own name.</param>
/// <param name="Emulated">Whether it is the emulated one: then there are no figures.</param>
/// <param name="ComputeCapability">As 9.0.</param>
/// <param name="Driver">The version of CUDA that the driver speaks.</param>
/// <param name="CopyGigabytesPerSecond">The memory ceiling: a copy within the device, bytes read and written.</param>
/// <param name="F32Tflops">The float32 ceiling: the fastest square product of this run.</param>
/// <param name="F64Tflops">The float64 ceiling, likewise.</param>
/// <param name="Rows">One row an operation.</param>
/// <param name="PredictedFor">The device whose model made the predictions; absent where there are none.</param>
internal sealed record CudaKernelsResult(
    string Device, bool Emulated, string ComputeCapability, string Driver, double CopyGigabytesPerSecond, double F32Tflops, double F64Tflops,
    IReadOnlyList<CudaKernelRow> Rows, string? PredictedFor = null);

/// <summary>What the workshop found for one operation on a GPU. On an emulated one all figures are NaN: it was run, not measured.</summary>
/// <param name="Name">The operation and its sizes.</param>
/// <param name="Milliseconds">The median time on the device, between two events.</param>
/// <param name="Tflops">10^12 floating-point operations a second, as the mathematics counts them; NaN where memory is the limit.</param>
/// <param name="GigabytesPerSecond">10^9 bytes a second, every operand read and every result written once.</param>
/// <param name="CeilingShare">Of the ceiling that limits it: measured arithmetic or measured copying, whichever it comes closer to.</param>
/// <param name="Samples">Measurements behind the median.</param>
/// <param name="PredictedMilliseconds">What the model of the device says; NaN where there is none.</param>
internal sealed record CudaKernelRow(
    string Name, double Milliseconds, double Tflops, double GigabytesPerSecond, double CeilingShare, int Samples, double PredictedMilliseconds = double.NaN)
{
    /// <summary>Every measurement, in order; absent where nothing was measured, and in results of before they were kept.</summary>
    public IReadOnlyList<double>? SamplesMs { get; init; }
}
