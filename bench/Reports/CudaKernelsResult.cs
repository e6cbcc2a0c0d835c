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
