using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>Dropout in training mode, the identity in evaluation mode.</summary>
/// <param name="p">The share of values that is set to 0.</param>
/// <param name="random">Its seed and stream; each pass uses the next numbers of it.</param>
public sealed class Dropout(double p, RandomSource random) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (!Training || p == 0)
            return x.Share();
        ulong offset;
        // Other layers may have the same source, and other threads this layer.
        lock (random)
            offset = random.Skip((ulong)x.Count);
        return x.Dropout(p, random.Seed, random.Stream, offset);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => x;
}
