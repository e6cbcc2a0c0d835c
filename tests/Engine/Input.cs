namespace EscNative.Tests.Engine;

/// <summary>An operand of an operation's test: its shape, and how its values are drawn.</summary>
/// <remarks>Every value is a float32 number, so that the float32 engine, the float64 engine and the oracle see the same one.</remarks>
public sealed class Input
{
    private readonly Func<Random, int, double[]> _draw;

    private Input(int[] shape, Func<Random, int, double[]> draw, bool differentiable = true, bool integer = false)
    {
        (Shape, _draw) = (shape, draw);
        (IsDifferentiable, IsInteger) = (differentiable, integer);
    }

    public int[] Shape { get; }

    public bool IsInteger { get; }

    public bool IsDifferentiable { get; }

    /// <summary>Uniform in -2 .. 2.</summary>
    public static Input Of(params int[] shape) => Between(-2, 2, shape);

    public static Input Between(double low, double high, params int[] shape) =>
        new(shape, (random, n) => Each(n, () => low + ((high - low) * random.NextDouble())));

    /// <summary>±(0.1 .. 2): for functions with a corner or a pole at 0.</summary>
    public static Input AwayFromZero(params int[] shape) =>
        new(shape, (random, n) => Each(n, () => (0.1 + (1.9 * random.NextDouble())) * (random.Next(2) == 0 ? -1 : 1)));

    /// <summary>A random order of numbers that are at least 0.001 apart: for a maximum, which has a corner at a tie.</summary>
    public static Input Distinct(params int[] shape) => new(shape, (random, n) =>
    {
        var step = Math.Max(0.002, 4.0 / Math.Max(n, 1));
        var values = Enumerable.Range(0, n).Select(i => ((i - (n / 2)) * step) + (step / 4 * random.NextDouble())).ToArray();
        random.Shuffle(values);
        return values;
    });

    /// <summary>Integers 0 .. bound - 1, an I32 tensor.</summary>
    public static Input Labels(int bound, params int[] shape) =>
        new(shape, (random, n) => Each(n, () => random.Next(bound)), differentiable: false, integer: true);

    /// <summary>The same operand, of which no gradient is asked.</summary>
    public Input Constant() => new(Shape, _draw, differentiable: false, IsInteger);

    public NdArray Draw(Random random) =>
        new(Shape, Array.ConvertAll(_draw(random, NdArray.Product(Shape)), v => (double)(float)v));

    private static double[] Each(int n, Func<double> draw)
    {
        var values = new double[n];
        for (var i = 0; i < n; i++)
            values[i] = draw();
        return values;
    }
}
