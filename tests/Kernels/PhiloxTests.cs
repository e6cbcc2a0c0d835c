using EscNative.Kernels;

namespace EscNative.Tests.Kernels;

public sealed class PhiloxTests
{
    // Known answers of the authors' Random123 library (kat_vectors, philox4x32 10).
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_gives_the_published_words(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint a, uint b, uint c, uint d) =>
        Assert.Equal((a, b, c, d), Philox.Block(c0, c1, c2, c3, k0, k1));

    [Theory]
    [InlineData(0, 17)]
    [InlineData(1, 3)]
    [InlineData(7, 1000)]
    public void Uniform_is_a_function_of_the_position(int offset, int count)
    {
        var values = new float[count];
        Philox.Uniform(9, 3, (ulong)offset, values);
        for (var i = 0; i < count; i++)
            Assert.Equal(Philox.ToUniform(Philox.Word(9, 3, (ulong)(offset + i))), values[i]);
    }

    [Fact]
    public void Uniform_numbers_have_the_moments_of_the_uniform_distribution()
    {
        var values = new float[1_000_000];
        new RandomSource(5).FillUniform(values);
        Assert.InRange(values.Min(), 0, 1e-5);
        Assert.InRange(values.Max(), 1 - 1e-5, 1 - 1e-8);
        // Standard errors: mean 2.9e-4, variance 7.5e-5; 5 of each.
        Assert.InRange(values.Average(v => (double)v), 0.5 - 1.5e-3, 0.5 + 1.5e-3);
        Assert.InRange(values.Average(v => (v - 0.5) * (v - 0.5)), (1 / 12.0) - 4e-4, (1 / 12.0) + 4e-4);
    }

    [Fact]
    public void Normal_numbers_agree_with_the_formula_in_double()
    {
        // Box-Muller in double on the same words; float32 polynomials are good to a few 1e-7 relative to the radius.
        for (ulong i = 0; i < 200_000; i++)
        {
            var (first, second) = (Philox.Word(1, 2, 2 * i), Philox.Word(1, 2, (2 * i) + 1));
            var radius = Math.Sqrt(-2 * Math.Log(((first >> 8) + 1) / 16777216.0));
            var angle = 2 * Math.PI * ((second >> 8) / 16777216.0);
            var (cosine, sine) = Philox.NormalPair(first, second);
            Assert.InRange(cosine, (radius * Math.Cos(angle)) - 2e-6, (radius * Math.Cos(angle)) + 2e-6);
            Assert.InRange(sine, (radius * Math.Sin(angle)) - 2e-6, (radius * Math.Sin(angle)) + 2e-6);
        }
    }

    [Fact]
    public void Normal_numbers_have_the_moments_of_the_normal_distribution()
    {
        var values = new float[1_000_001];
        new RandomSource(6).FillNormal(values);
        Assert.InRange(values.Average(v => (double)v), -5e-3, 5e-3);
        Assert.InRange(values.Average(v => (double)v * v), 1 - 7.1e-3, 1 + 7.1e-3);
        Assert.InRange(values.Average(v => Math.Pow(v, 4)), 3 - 0.05, 3 + 0.05);
    }

    [Fact]
    public void NextInt_is_unbiased_and_in_range()
    {
        var random = new RandomSource(7);
        var counts = new int[7];
        for (var i = 0; i < 700_000; i++)
            counts[random.NextInt(7)]++;
        // 100,000 expected in each, standard deviation 293; 5 of them.
        Assert.All(counts, c => Assert.InRange(c, 98_500, 101_500));
        Assert.Throws<UsageException>(() => random.NextInt(0));
    }

    [Fact]
    public void A_source_goes_on_from_its_position()
    {
        var random = new RandomSource(8, 4);
        random.FillUniform(new float[13]);
        var position = random.Position;
        var expected = random.Permutation(100);
        var resumed = new RandomSource(8, 4) { Position = position };
        Assert.Equal(expected, resumed.Permutation(100));
        Assert.Equal(Enumerable.Range(0, 100), expected.Order());
        Assert.NotEqual(expected, new RandomSource(8, 5) { Position = position }.Permutation(100));
    }
}
