using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

public sealed unsafe class ConversionTests
{
    [Fact]
    public void Every_pair_of_types_keeps_what_fits()
    {
        // Whole numbers 0 .. 200 are exact in all five types but for bfloat16, which has 8 bits.
        int[] numbers = [0, 1, 2, 15, 100, 128, 200, 255];
        All<float>(numbers);
        All<double>(numbers);
        All<int>(numbers);
        All<byte>(numbers);
        All<BFloat16>(numbers);
    }

    [Theory]
    [InlineData(1.00390625, 1.0)] // half way between 1 and 1 + 2^-7: to even
    [InlineData(1.01171875, 1.015625)] // half way between 1 + 2^-7 and 1 + 2^-6: to even
    [InlineData(1.00390625000001, 1.0078125)] // float32 would round this to the half way point, and then down
    [InlineData(-1.00390625000001, -1.0078125)]
    [InlineData(1.00390624999999, 1.0)]
    [InlineData(3.4e38, double.PositiveInfinity)]
    [InlineData(1e300, double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity, double.NegativeInfinity)]
    [InlineData(double.NaN, double.NaN)]
    [InlineData(0.0, 0.0)]
    public void Bfloat16_rounds_once_to_nearest_even(double value, double wanted) =>
        Assert.Equal(wanted, BFloat16.Round(value).ToSingle());

    [Fact]
    public void Bfloat16_is_kept_by_a_round_trip()
    {
        for (var bits = 0; bits < 65536; bits++)
        {
            var value = new BFloat16((ushort)bits).ToSingle();
            if (!float.IsNaN(value))
                Assert.Equal(bits, BFloat16.Round(value).Bits);
        }
    }

    [Theory]
    [InlineData(2.5, 2)]
    [InlineData(3.5, 4)]
    [InlineData(-1.0, 0)]
    [InlineData(300.0, 255)]
    [InlineData(double.NaN, 0)]
    public void Bytes_round_and_saturate(double value, byte wanted)
    {
        byte got;
        Conversion.Convert(&value, &got, 1);
        Assert.Equal(wanted, got);
    }

    private static void All<TFrom>(int[] numbers)
        where TFrom : unmanaged
    {
        Pair<TFrom, float>(numbers);
        Pair<TFrom, double>(numbers);
        Pair<TFrom, int>(numbers);
        Pair<TFrom, byte>(numbers);
        Pair<TFrom, BFloat16>(numbers);
    }

    private static void Pair<TFrom, TTo>(int[] numbers)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        using var ints = new GuardedBuffer<int>(numbers);
        using var from = new GuardedBuffer<TFrom>(numbers.Length);
        using var to = new GuardedBuffer<TTo>(numbers.Length);
        using var back = new GuardedBuffer<int>(numbers.Length);
        Conversion.Convert(ints.Pointer, from.Pointer, numbers.Length);
        Conversion.Convert(from.Pointer, to.Pointer, numbers.Length);
        Conversion.Convert(to.Pointer, back.Pointer, numbers.Length);
        from.AssertIntact();
        to.AssertIntact();
        Assert.Equal(numbers, back.Span);
    }
}
