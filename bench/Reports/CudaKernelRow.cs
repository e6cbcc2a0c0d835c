namespace EscNative.Bench.Reports;

/// <summary>What the workshop found for one operation on a GPU. On an emulated one all figures are NaN: it was run, not measured.</summary>
/// <param name="Name">The operation and its sizes.</param>
/// <param name="Milliseconds">The median time on the device, between two events.</param>
/// <param name="Tflops">10^12 floating-point operations a second, as the mathematics counts them; NaN where memory is the limit.</param>
/// <param name="GigabytesPerSecond">10^9 bytes a second, every operand read and every result written once.</param>
/// <param name="CeilingShare">Of the ceiling that limits it: measured arithmetic or measured copying, whichever it comes closer to.</param>
/// <param name="Samples">Measurements behind the median.</param>
/// <param name="PredictedMilliseconds">What the model of the device says; NaN where there is none.</param>
internal sealed record CudaKernelRow(
    string Name, double Milliseconds, double Tflops, double GigabytesPerSecond, double CeilingShare, int Samples, double PredictedMilliseconds = double.NaN);
