namespace EscNative.Engine.Plans;

/// <summary>The weights of a convolution, [out, kh, kw, in / groups], with the scale and shift of each output channel in float64.</summary>
/// <remarks>Whatever is folded changes scale and shift alone; the product is rounded to float32 once, when it is packed.</remarks>
internal sealed class ConvWeight
{
    private readonly double[] _values;
    private readonly double[] _scale;
    private readonly double[] _shift;

    private ConvWeight(double[] values, double[] shift, int kernelHeight, int kernelWidth, int inputs)
    {
        (_values, _shift) = (values, shift);
        _scale = new double[shift.Length];
        Array.Fill(_scale, 1);
        (KernelHeight, KernelWidth, Inputs) = (kernelHeight, kernelWidth, inputs);
    }

    public int Outputs => _shift.Length;

    public int KernelHeight { get; }

    public int KernelWidth { get; }

    public int Inputs { get; }


    public static ConvWeight From(Tensor weight, Tensor? bias, string operation)
    {
        if (weight.DType != DType.F32 || (bias is not null && bias.DType != DType.F32))
            throw new DTypeException($"plan, {operation}: got weight {weight.DType} and bias {bias?.DType}, wants F32");
        if (bias is not null && bias.Shape != weight.Shape[0])
            throw new ShapeException($"plan, {operation}: got weight {weight.Shape} and bias {bias.Shape}, wants a bias of [{weight.Shape[0]}]");
        var shift = bias is null ? new double[weight.Shape[0]] : Array.ConvertAll(bias.ToArray<float>(), b => (double)b);
        var values = Array.ConvertAll(weight.ToArray<float>(), w => (double)w);
        return weight.Shape.Rank == 4
            ? new ConvWeight(values, shift, weight.Shape[1], weight.Shape[2], weight.Shape[3])
            : new ConvWeight(values, shift, 1, 1, weight.Shape[1]);
    }

    public static ConvWeight From(ReadOnlySpan<double> weight, ReadOnlySpan<double> bias, int outputs, int inputs) =>
        new(weight.ToArray(), bias.IsEmpty ? new double[outputs] : bias.ToArray(), 1, 1, inputs);

    public void Append(double[] scale, double[] shift)
    {
        for (var o = 0; o < Outputs; o++)
        {
            _scale[o] *= scale[o];
            _shift[o] = (_shift[o] * scale[o]) + shift[o];
        }
    }

    /// <summary>The weights with the scale in them, of a window of the kernel.</summary>
    /// <param name="firstRow">The window's first row.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="firstColumn">Its first column.</param>
    /// <param name="columns">Its columns.</param>
    /// <returns>[out, rows, columns, in / groups].</returns>
    public float[] Values(int firstRow, int rows, int firstColumn, int columns)
    {
        var values = new float[Outputs * rows * columns * Inputs];
        var at = 0;
        for (var o = 0; o < Outputs; o++)
        {
            for (var row = firstRow; row < firstRow + rows; row++)
            {
                var first = (((o * KernelHeight) + row) * KernelWidth + firstColumn) * Inputs;
                foreach (var value in _values.AsSpan(first, columns * Inputs))
                    values[at++] = (float)(value * _scale[o]);
            }
        }

        return values;
    }

    /// <summary>The shifts, or null where all are 0.</summary>
    public float[]? Bias() => Array.TrueForAll(_shift, s => s == 0) ? null : Array.ConvertAll(_shift, s => (float)s);
}
