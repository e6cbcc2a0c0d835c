using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

/// <summary>SCRUB goes back to the epoch whose error is nearest to the wanted one, whichever side of it that lies on.</summary>
public sealed class ScrubRewindTests
{
    [Theory]
    [InlineData(45, 1, 10.0, 50.0, 90.0)]
    [InlineData(45, 1, 90.0, 41.0, 50.0, 10.0)]
    [InlineData(45, 2, 10.0, 100.0, 49.0, 40.0)]
    [InlineData(0, 2, 100.0, 60.0, 3.0, 50.0)]
    [InlineData(100, 0, 97.0, 60.0, 3.0, 96.0)]
    // Equally near on both sides, and equal: the first.
    [InlineData(45, 0, 40.0, 50.0, 40.0)]
    [InlineData(45, 0, 50.0, 40.0, 50.0)]
    [InlineData(45, 1, 90.0, 45.0, 45.0, 44.0)]
    public void The_nearest_error_is_chosen(double wanted, int index, params double[] errors) => Assert.Equal(index, Scrub.Nearest(errors, wanted));

    [Fact]
    public void It_is_the_nearest_of_any_errors()
    {
        var random = new Random(8);
        for (var i = 0; i < 1000; i++)
        {
            // Whole per cents: ties are frequent.
            var errors = Enumerable.Range(0, random.Next(1, 8)).Select(_ => (double)random.Next(0, 11) * 10).ToArray();
            double wanted = random.Next(0, 101);
            var chosen = Scrub.Nearest(errors, wanted);
            Assert.All(errors, error => Assert.True(Math.Abs(errors[chosen] - wanted) <= Math.Abs(error - wanted)));
            Assert.All(errors[..chosen], error => Assert.True(Math.Abs(error - wanted) > Math.Abs(errors[chosen] - wanted)));
        }
    }
}
