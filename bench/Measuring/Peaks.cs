using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Measuring;

/// <summary>What this processor computes at most, in GFLOP/s.</summary>
/// <param name="Threads">Threads that computed at once.</param>
/// <param name="F32">In float32.</param>
/// <param name="F64">In float64.</param>
internal readonly record struct Peaks(int Threads, double F32, double F64)
{
    /// <summary>Measures. More threads than processors would wait for each other, not compute more.</summary>
    /// <param name="threads">Threads of the request.</param>
    public static Peaks Measure(int threads)
    {
        var busy = Math.Min(threads, Environment.ProcessorCount);
        return new Peaks(busy, PeakProbe.MeasureFmaGflops(busy), PeakProbe.MeasureFmaGflopsF64(busy));
    }
}
