using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

public sealed class GemmPeakProbeTests
{
    [Fact]
    public void The_peak_is_a_plausible_figure()
    {
        // No processor computes less than 0.1 or more than 1000 GFLOP/s in one thread; a chain that the compiler removed
        // would show far more.
        Assert.InRange(PeakProbe.MeasureFmaGflops(1), 0.1, 1000);
        Assert.InRange(PeakProbe.MeasureFmaGflopsF64(2), 0.1, 2000);
    }

    [Fact]
    public void It_wants_a_thread() => Assert.Throws<ArgumentOutOfRangeException>(() => PeakProbe.MeasureFmaGflops(0));
}
