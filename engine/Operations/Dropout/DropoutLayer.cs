using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>Dropout in training mode, the identity in evaluation mode.</summary>
/// <param name="p">The share of values that is set to 0.</param>
/// <param name="random">Its seed and stream; each pass uses the next numbers of it.</param>
/// <exception cref="UsageException">p is not in [0, 1).</exception>
public sealed class Dropout(double p, RandomSource random) : Module
{
    private readonly double _p = p is >= 0 and < 1 ? p : throw new UsageException($"Dropout: got p = {p}, wants 0 or more and less than 1");

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (!Training || _p == 0)
            return x.Share();
        ulong offset;
        // Other layers may have the same source, and other threads this layer.
        lock (random)
            offset = random.Skip((ulong)x.Count);
        return x.Dropout(_p, random.Seed, random.Stream, offset);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => x;
}
