using EscNative.Engine.Optimization;

namespace EscNative.Tests.Engine;

/// <summary>Rates recorded from torch.optim.lr_scheduler of PyTorch 2.6: param_groups[0]['lr'] before each step.</summary>
public sealed class ScheduleTests
{
    // OneCycleLR(o, 0.1, total_steps=10)
    [Fact]
    public void One_cycle() => AssertRates(
        [0.004, 0.052, 0.1, 0.0950484632013, 0.081174565395, 0.0611262021936, 0.0388741978064, 0.018825834605, 0.00495193679865, 4e-07],
        Schedule.OneCycle(0.1, 10));

    // OneCycleLR(o, 0.4, total_steps=7, pct_start=0.5, div_factor=10, final_div_factor=100)
    [Fact]
    public void One_cycle_whose_top_lies_between_two_steps() => AssertRates(
        [0.04, 0.164376941013, 0.365623058987, 0.380213579807, 0.244659682604, 0.0756267375886, 0.0004],
        Schedule.OneCycle(0.4, 7, 0.5, 10, 100));

    // OneCycleLR(o, 0.12, total_steps=20), the momentum
    [Fact]
    public void One_cycle_of_the_momentum() => AssertRates(
        [
            0.95, 0.9404508497187, 0.9154508497187, 0.8845491502813, 0.8595491502813, 0.85, 0.8512536043909,
            0.8549515566049, 0.8609084258766, 0.8688255099071, 0.8783058130441, 0.8888739533022, 0.9, 0.9111260466978,
            0.9216941869559, 0.9311744900929, 0.9390915741234, 0.9450484433951, 0.9487463956091, 0.95,
        ],
        Schedule.OneCycleMomentum(0.95, 0.85, 20));

    // StepLR(o, 3, 0.1) from 0.1
    [Fact]
    public void Steps() => AssertRates([0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001], Schedule.Step(0.1, 3));

    // CosineAnnealingLR(o, 8, 0.01) from 0.1
    [Fact]
    public void Cosine() => AssertRates(
        [0.1, 0.096574578963, 0.0868198051534, 0.0722207544564, 0.055, 0.0377792455436, 0.0231801948466, 0.013425421037, 0.01],
        Schedule.Cosine(0.1, 8, 0.01));

    [Fact]
    public void Past_the_end_the_last_rate_stays()
    {
        Assert.Equal(0.01, Schedule.Cosine(0.1, 8, 0.01)(100), 1e-15);
        Assert.Equal(4e-7, Schedule.OneCycle(0.1, 10)(100), 1e-15);
        Assert.Equal(0.3, Schedule.Constant(0.3)(100));
    }

    // So short that the rise has no step of its own.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_short_cycle_has_finite_rates_up_to_its_peak(long total)
    {
        var schedule = Schedule.OneCycle(0.1, total);
        for (var step = 0L; step < total; step++)
            Assert.InRange(schedule(step), 0, 0.1 + 1e-12);
    }

    private static void AssertRates(double[] wanted, Func<long, double> schedule)
    {
        for (var step = 0; step < wanted.Length; step++)
            Assert.Equal(wanted[step], schedule(step), 1e-11);
    }
}
