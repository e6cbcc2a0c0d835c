namespace EscNative.Tests.Kernels;

/// <summary>Fresh random numbers for kernel tests; the seed is printed when an assertion fails.</summary>
public sealed class Values
{
    private readonly Random _random;

    public Values(int seed = 0)
    {
        Seed = seed != 0 ? seed : Random.Shared.Next(1, int.MaxValue);
        _random = new Random(Seed);
    }

    public int Seed { get; }

    /// <summary>Normal numbers times <paramref name="scale"/> plus <paramref name="shift"/>.</summary>
    public float[] Floats(long n, double scale = 1, double shift = 0)
    {
        var values = new float[n];
        for (var i = 0; i < n; i++)
            values[i] = (float)(shift + scale * Normal());
        return values;
    }

    public int[] Ints(long n, int bound)
    {
        var values = new int[n];
        for (var i = 0; i < n; i++)
            values[i] = _random.Next(bound);
        return values;
    }

    public static double[] Wide(float[] values) => Array.ConvertAll(values, v => (double)v);

    /// <summary>Asserts |got - wanted| &lt;= absolute + relative |wanted| for every value.</summary>
    public void AssertClose(ReadOnlySpan<double> wanted, ReadOnlySpan<float> got, double absolute, double relative = 0)
    {
        Assert.Equal(wanted.Length, got.Length);
        for (var i = 0; i < got.Length; i++)
            AssertClose(wanted[i], got[i], absolute, relative, i);
    }

    public void AssertClose(ReadOnlySpan<double> wanted, ReadOnlySpan<double> got, double absolute, double relative = 0)
    {
        Assert.Equal(wanted.Length, got.Length);
        for (var i = 0; i < got.Length; i++)
            AssertClose(wanted[i], got[i], absolute, relative, i);
    }

    private void AssertClose(double wanted, double got, double absolute, double relative, int i)
    {
        if (double.IsNaN(wanted) ? double.IsNaN(got) : wanted == got || Math.Abs(wanted - got) <= absolute + relative * Math.Abs(wanted))
            return;
        Assert.Fail($"value {i}: got {got:R}, wanted {wanted:R} within {absolute} + {relative} |wanted| (seed {Seed})");
    }

    private double Normal() =>
        Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
