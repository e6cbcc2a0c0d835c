using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;

namespace EscNative.Models.Erasure;

/// <summary>An erasure operator on a device, as the layer between features and head: [n, d] to [n, d], 4 d k FLOPs a row and factor.</summary>
internal sealed class ErasureLayer : Module
{
    private readonly List<(ErasureKind Kind, Tensor Left, Tensor Right, Tensor? Offset)> _factors = [];

    public ErasureLayer(ErasureOperator erasure, Device device)
    {
        Operator = erasure;
        try
        {
            AddFactors(erasure, device);
        }
        catch
        {
            // Out of memory half-way: what was made goes back now.
            Dispose();
            throw;
        }
    }

    public ErasureOperator Operator { get; }

    private void AddFactors(ErasureOperator erasure, Device device)
    {
        for (var i = 0; i < erasure.Factors.Count; i++)
        {
            var factor = erasure.Factors[i];
            if (factor.IsIdentity)
                continue;
            var shape = new Shape(factor.Width, factor.Rank);
            var left = AddBuffer($"{i}.left", ToDevice(factor.Left, shape, device));
            var right = factor.Kind == ErasureKind.Oblique ? AddBuffer($"{i}.right", ToDevice(factor.Right, shape, device)) : left;
            var offset = factor.Offset.IsEmpty ? null : AddBuffer($"{i}.offset", ToDevice(factor.Offset, factor.Width, device));
            _factors.Add((factor.Kind, left, right, offset));
        }
    }

    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        foreach (var (kind, left, right, offset) in _factors)
        {
            // A factor of rank 0 has no directions to take away, or none to keep.
            if (left.Shape[1] == 0)
            {
                x = kind == ErasureKind.Masked ? x * 0 : x;
            }
            else
            {
                var change = x.MatMul(right).MatMul(left.Transpose());
                x = kind == ErasureKind.Masked ? change : x - change;
            }

            if (offset is not null)
                x += offset;
        }

        return scope.Keep(x);
    }

    // z - L(Rᵀz) + b is two products, the second of which adds z while it has the sums in registers.
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        foreach (var factor in Operator.Factors)
        {
            if (factor.IsIdentity)
                continue;
            if (factor.Rank == 0)
            {
                var scale = new double[factor.Width];
                Array.Fill(scale, factor.Kind == ErasureKind.Masked ? 0 : 1);
                x = plan.Affine(x, scale, factor.Offset.IsEmpty ? new double[factor.Width] : factor.Offset);
                continue;
            }

            var coordinates = plan.Linear(x, Transpose(factor.Right, factor.Width));
            var left = factor.Left.ToArray();
            if (factor.Kind != ErasureKind.Masked)
                left = Array.ConvertAll(left, value => -value);
            var change = plan.Linear(coordinates, left, factor.Offset);
            x = factor.Kind == ErasureKind.Masked ? change : plan.Add(change, x);
        }

        return x;
    }

    // [d, k] to [k, d]
    private static double[] Transpose(ReadOnlySpan<double> matrix, int width)
    {
        var rank = matrix.Length / width;
        var result = new double[matrix.Length];
        for (var i = 0; i < width; i++)
        {
            for (var j = 0; j < rank; j++)
                result[(j * width) + i] = matrix[(i * rank) + j];
        }

        return result;
    }

    private static Tensor ToDevice(ReadOnlySpan<double> values, Shape shape, Device device)
    {
        var floats = new float[values.Length];
        for (var i = 0; i < floats.Length; i++)
            floats[i] = (float)values[i];
        return Tensor.From(floats, shape, device);
    }
}
