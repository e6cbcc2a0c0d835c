using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using EscNative.Engine;
using EscNative.Models;

namespace EscNative.Unlearning.Curvature;

/// <summary>A sum of squared gradients for every parameter of a model, in float64 on the host.</summary>
internal sealed class SquaredGradients
{
    private readonly double[][] _sums;
    private readonly float[] _buffer;

    /// <param name="model">Gives the parameters, in their order.</param>
    public SquaredGradients(Classifier model)
    {
        _sums = [.. model.Parameters.Select(p => new double[p.Shape.Count])];
        _buffer = new float[_sums.Max(s => s.Length)];
    }

    /// <summary>The sums, one array a parameter.</summary>
    public IReadOnlyList<double[]> Sums => _sums;

    /// <summary>Adds weight · g² for the gradient g of every parameter that the loss reached.</summary>
    public void Add(Classifier model, Gradients gradients, double weight)
    {
        var index = 0;
        foreach (var parameter in model.Parameters)
        {
            var sum = _sums[index++];
            if (!gradients.TryGet(parameter, out var gradient))
                continue;
            var values = _buffer.AsSpan(0, sum.Length);
            gradient.CopyTo(values);
            AddSquares(values, weight, sum);
        }
    }

    /// <summary>Adds all of another sum.</summary>
    public void Add(SquaredGradients other)
    {
        foreach (var (sum, addend) in _sums.Zip(other._sums))
        {
            for (var i = 0; i < sum.Length; i++)
                sum[i] += addend[i];
        }
    }

    /// <summary>Back to zero.</summary>
    public void Clear()
    {
        foreach (var sum in _sums)
            Array.Clear(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSquares(ReadOnlySpan<float> values, double weight, Span<double> sums)
    {
        var i = 0;
        var factor = Vector256.Create(weight);
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(sums);
        for (; i + 8 <= values.Length; i += 8)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref x, (nuint)i));
            (Vector256.LoadUnsafe(ref y, (nuint)i) + (factor * (low * low))).StoreUnsafe(ref y, (nuint)i);
            (Vector256.LoadUnsafe(ref y, (nuint)i + 4) + (factor * (high * high))).StoreUnsafe(ref y, (nuint)i + 4);
        }

        for (; i < values.Length; i++)
            sums[i] += weight * ((double)values[i] * values[i]);
    }
}
