using EscNative.Kernels;
using Reductions = EscNative.Kernels.Cpu.Reduce;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Reduce(ReduceOp op, Tensor x, Tensor y, long outer, long extent, long inner) =>
        Dispatch(x, "Reduce", new ReduceJob(op, x, y, outer, extent, inner));

    public override void ArgMax(Tensor x, Tensor index, long outer, long extent, long inner) =>
        Dispatch(x, "ArgMax", new ArgMaxJob(x, index, outer, extent, inner));

    public override void Scatter(Tensor dy, Tensor index, Tensor dx, long outer, long extent, long inner) =>
        Dispatch(dx, "Scatter", new ScatterJob(dy, index, dx, outer, extent, inner));

    private readonly struct ReduceJob(ReduceOp op, Tensor x, Tensor y, long outer, long extent, long inner) : IFloatJob
    {
        void IFloatJob.Run<T>() => Reductions.Along(op, x.PointerTo<T>(), y.PointerTo<T>(), outer, extent, inner);
    }

    private readonly struct ArgMaxJob(Tensor x, Tensor index, long outer, long extent, long inner) : IFloatJob
    {
        void IFloatJob.Run<T>() => Reductions.ArgMax(x.PointerTo<T>(), index.PointerTo<int>(), outer, extent, inner);
    }

    private readonly struct ScatterJob(Tensor dy, Tensor index, Tensor dx, long outer, long extent, long inner) : IFloatJob
    {
        void IFloatJob.Run<T>() => Reductions.Scatter(dy.PointerTo<T>(), index.PointerTo<int>(), dx.PointerTo<T>(), outer, extent, inner);
    }
}
