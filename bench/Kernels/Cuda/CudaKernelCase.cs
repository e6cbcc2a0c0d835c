namespace EscNative.Bench.Kernels;

/// <summary>One measurement on a GPU.</summary>
/// <param name="Name">What is measured, with its sizes.</param>
/// <param name="Flops">Floating-point operations of a call, as the mathematics counts them; 0 where memory is the limit.</param>
/// <param name="Bytes">Every operand read and every result written once.</param>
/// <param name="Double">Whether the arithmetic is in float64.</param>
/// <param name="Prepare">Makes the inputs; what it returns issues one call and must not wait.</param>
internal sealed record CudaKernelCase(string Name, double Flops, double Bytes, bool Double, Func<CudaKernelRun> Prepare);
