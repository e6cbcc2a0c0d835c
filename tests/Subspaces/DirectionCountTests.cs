using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Subspaces;

public sealed class DirectionCountTests
{
    [Theory]
    [InlineData(1.5, 1, 7, 11)]
    [InlineData(1.7, 1, 8, 13)]
    [InlineData(3, 2, 15, 23)]
    [InlineData(5, 4, 25, 38)]
    [InlineData(10, 9, 51, 76)]
    [InlineData(50, 48, 256, 384)]
    public void Follows_the_papers_table(double p, int allCnn, int resNet, int vit)
    {
        Assert.Equal(allCnn, DirectionCount.FromPercent(96, p));
        Assert.Equal(resNet, DirectionCount.FromPercent(512, p));
        Assert.Equal(vit, DirectionCount.FromPercent(768, p));
    }

    [Fact]
    public void Exact_products_are_not_lost_to_rounding()
    {
        // 0.29 * 100 is 28.999999999999996 in float64.
        Assert.Equal(29, DirectionCount.FromPercent(100, 29));
        for (var k = 0; k < 1000; k++)
            Assert.Equal(k, DirectionCount.FromPercent(1000, k / 10.0));
    }

    [Fact]
    public void Zero_percent_erases_nothing() => Assert.Equal(0, DirectionCount.FromPercent(96, 0));

    [Theory]
    [InlineData(96)]
    [InlineData(512)]
    [InlineData(7)]
    [InlineData(30011)]
    public void A_percentage_below_one_direction_names_the_smallest_that_works(int d)
    {
        var smallest = DirectionCount.SmallestPercent(d);
        Assert.Equal(1, DirectionCount.FromPercent(d, smallest));
        var e = Assert.Throws<UsageException>(() => DirectionCount.FromPercent(d, smallest - 2e-4));
        Assert.Contains(smallest.ToString("0.####", System.Globalization.CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(100)]
    [InlineData(double.NaN)]
    public void A_percentage_out_of_range_is_a_usage_error(double p) =>
        Assert.Throws<UsageException>(() => DirectionCount.FromPercent(96, p));

    [Theory]
    [InlineData(-1)]
    [InlineData(96)]
    [InlineData(97)]
    public void K_out_of_range_is_a_usage_error(int k) => Assert.Throws<UsageException>(() => DirectionCount.Check(96, k));

    [Fact]
    public void Either_p_or_k_is_given()
    {
        Assert.Equal(4, DirectionCount.Resolve(96, 5, null));
        Assert.Equal(95, DirectionCount.Resolve(96, null, 95));
        Assert.Throws<UsageException>(() => DirectionCount.Resolve(96, null, null));
        Assert.Throws<UsageException>(() => DirectionCount.Resolve(96, 5, 4));
    }
}
