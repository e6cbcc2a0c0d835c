using EscNative.Kernels;
using Reductions = EscNative.Kernels.Cpu.Reduce;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Reduce(ReduceOp op, Tensor x, Tensor y, long outer, long extent, long inner)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "Reduce"))
            Reductions.Along(op, x.PointerTo<double>(), y.PointerTo<double>(), outer, extent, inner);
        else
            Reductions.Along(op, x.PointerTo<float>(), y.PointerTo<float>(), outer, extent, inner);
    }

    public override void ArgMax(Tensor x, Tensor index, long outer, long extent, long inner)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "ArgMax"))
            Reductions.ArgMax(x.PointerTo<double>(), index.PointerTo<int>(), outer, extent, inner);
        else
            Reductions.ArgMax(x.PointerTo<float>(), index.PointerTo<int>(), outer, extent, inner);
    }

    public override void ScatterAxis(Tensor dy, Tensor index, Tensor dx, long outer, long extent, long inner)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "ScatterAxis"))
            Reductions.Scatter(dy.PointerTo<double>(), index.PointerTo<int>(), dx.PointerTo<double>(), outer, extent, inner);
        else
            Reductions.Scatter(dy.PointerTo<float>(), index.PointerTo<int>(), dx.PointerTo<float>(), outer, extent, inner);
    }
}
