namespace EscNative.Bench.Workshop;

/// <summary>One measurement on a GPU.</summary>
/// <param name="Name">What is measured, with its sizes.</param>
/// <param name="Flops">Floating-point operations of a call, as the mathematics counts them; 0 where memory is the limit.</param>
/// <param name="Bytes">Every operand read and every result written once; NaN where nobody counted.</param>
/// <param name="Double">Whether the arithmetic is in float64.</param>
/// <param name="Prepare">Makes the inputs; what it returns issues one call; where that waits for the device, its time holds the host's part.</param>
/// <param name="Predict">The predicted seconds of a call on a device.</param>
internal sealed record CudaKernelCase(string Name, double Flops, double Bytes, bool Double, Func<CudaKernelRun> Prepare, Func<GpuModel, double> Predict);
