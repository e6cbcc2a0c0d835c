using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>Starting values of parameters, PyTorch's defaults.</summary>
public static class Initialise
{
    /// <summary>Uniform in ±1/√fanIn: what PyTorch's Conv2d and Linear start with (kaiming_uniform with a = √5).</summary>
    public static Tensor KaimingUniform(Shape shape, int fanIn, RandomSource random, Device? device = null)
    {
        var bound = fanIn > 0 ? 1 / Math.Sqrt(fanIn) : 0;
        var values = new float[shape.Count];
        random.FillUniform(values);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(((2 * values[i]) - 1) * bound);
        return Tensor.From(values, shape, device);
    }

    /// <summary>Normal with standard deviation √(2 / fan): kaiming_normal of PyTorch, for what ReLU follows.</summary>
    /// <param name="shape">The tensor's.</param>
    /// <param name="fan">The products that meet in a value, or the values that one goes into.</param>
    /// <param name="random">The source.</param>
    /// <param name="device">Where the tensor lives.</param>
    public static Tensor KaimingNormal(Shape shape, int fan, RandomSource random, Device? device = null) =>
        Normal(shape, Math.Sqrt(2.0 / Math.Max(fan, 1)), random, device);

    /// <summary>Normal with standard deviation √(2 / (fanIn + fanOut)): the probe of the paper's knowledge retention.</summary>
    public static Tensor XavierNormal(Shape shape, int fanIn, int fanOut, RandomSource random, Device? device = null) =>
        Normal(shape, Math.Sqrt(2.0 / (fanIn + fanOut)), random, device);

    private static Tensor Normal(Shape shape, double std, RandomSource random, Device? device)
    {
        var values = new float[shape.Count];
        random.FillNormal(values);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(values[i] * std);
        return Tensor.From(values, shape, device);
    }
}
