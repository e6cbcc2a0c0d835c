namespace EscNative.Tests.Engine;

/// <summary>A row-major array of doubles for oracles: slow, obvious, and independent of the engine.</summary>
public sealed class NdArray
{
    public NdArray(int[] shape, double[]? values = null)
    {
        Shape = shape;
        Values = values ?? new double[Product(shape)];
        Assert.Equal(Product(shape), Values.Length);
    }

    public int[] Shape { get; }

    public double[] Values { get; }

    public int Rank => Shape.Length;

    public double this[params ReadOnlySpan<int> index]
    {
        get => Values[Position(index)];
        set => Values[Position(index)] = value;
    }

    public static int Product(ReadOnlySpan<int> shape)
    {
        var product = 1;
        foreach (var extent in shape)
            product *= extent;
        return product;
    }

    /// <summary>Every index of a shape in row-major order. The array is reused.</summary>
    public static IEnumerable<int[]> Indices(int[] shape)
    {
        var index = new int[shape.Length];
        for (var n = Product(shape); n > 0; n--)
        {
            yield return index;
            for (var d = shape.Length - 1; d >= 0 && ++index[d] == shape[d]; d--)
                index[d] = 0;
        }
    }

    /// <summary>An array whose value at each index is computed from the index.</summary>
    public static NdArray Build(int[] shape, Func<int[], double> value)
    {
        var result = new NdArray(shape);
        var at = 0;
        foreach (var index in Indices(shape))
            result.Values[at++] = value(index);
        return result;
    }

    public static NdArray Scalar(double value) => new([], [value]);

    /// <summary>f of every pair, shapes aligned at the last dimension, extents of 1 repeated.</summary>
    public static NdArray Zip(NdArray a, NdArray b, Func<double, double, double> f)
    {
        var rank = Math.Max(a.Rank, b.Rank);
        var shape = new int[rank];
        for (var i = 1; i <= rank; i++)
        {
            var (da, db) = (i <= a.Rank ? a.Shape[^i] : 1, i <= b.Rank ? b.Shape[^i] : 1);
            shape[^i] = da == 1 ? db : da;
        }

        return Build(shape, index => f(a.Repeated(index), b.Repeated(index)));
    }

    public static NdArray operator +(NdArray a, NdArray b) => Zip(a, b, (x, y) => x + y);

    public static NdArray operator *(NdArray a, NdArray b) => Zip(a, b, (x, y) => x * y);

    public NdArray Map(Func<double, double> f) => new(Shape, Array.ConvertAll(Values, v => f(v)));

    public NdArray Reshape(params int[] shape) => new(shape, Values);

    /// <summary>Dimension i of the result is dimension axes[i] of this.</summary>
    public NdArray Permute(params int[] axes)
    {
        var from = new int[Rank];
        return Build(Array.ConvertAll(axes, a => Shape[a]), index =>
        {
            for (var i = 0; i < axes.Length; i++)
                from[axes[i]] = index[i];
            return this[from];
        });
    }

    /// <summary>The values of some dimensions folded; their extents become 1 or go.</summary>
    public NdArray Reduce(int[] axes, bool keepDim, Func<List<double>, double> fold)
    {
        var folded = Array.ConvertAll(axes, a => a < 0 ? a + Rank : a);
        var kept = Shape.Select((extent, i) => folded.Contains(i) ? 1 : extent).ToArray();
        var groups = Enumerable.Range(0, Product(kept)).Select(_ => new List<double>()).ToArray();
        var group = new NdArray(kept);
        foreach (var index in Indices(Shape))
            groups[group.Position([.. index.Select((at, i) => folded.Contains(i) ? 0 : at)])].Add(this[index]);
        var shape = keepDim ? kept : [.. Shape.Where((_, i) => !folded.Contains(i))];
        return new NdArray(shape, Array.ConvertAll(groups, g => fold(g)));
    }

    /// <summary>The sum of all products with an array of the same shape.</summary>
    public double Dot(NdArray other)
    {
        Assert.Equal(Shape, other.Shape);
        var sum = 0.0;
        for (var i = 0; i < Values.Length; i++)
            sum += Values[i] * other.Values[i];
        return sum;
    }

    public int Position(ReadOnlySpan<int> index)
    {
        var position = 0;
        for (var i = 0; i < Shape.Length; i++)
            position = (position * Shape[i]) + index[i];
        return position;
    }

    private double Repeated(int[] index)
    {
        var position = 0;
        for (var i = 0; i < Rank; i++)
            position = (position * Shape[i]) + (Shape[i] == 1 ? 0 : index[index.Length - Rank + i]);
        return Values[position];
    }
}
