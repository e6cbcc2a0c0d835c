using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private ReduceKernels? _reductions;

    private ReduceKernels Reductions => Once(ref _reductions, static b => new ReduceKernels(b.Context));

    public override void Reduce(ReduceOp op, Tensor x, Tensor y, long outer, long extent, long inner)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(x, "Reduce");
        using var workspace = new CudaWorkspace(Pool, ReduceKernels.WorkspaceBytes(type, outer, extent, inner), "Reduce");
        Reductions.Along(type, op, x.Pointer, y.Pointer, outer, extent, inner, workspace.Pointer);
    }

    public override void ArgMax(Tensor x, Tensor index, long outer, long extent, long inner)
    {
        using var call = KernelCall.Begin();
        Reductions.ArgMax(FloatType(x, "ArgMax"), x.Pointer, index.Pointer, outer, extent, inner);
    }

    public override void Scatter(Tensor dy, Tensor index, Tensor dx, long outer, long extent, long inner)
    {
        using var call = KernelCall.Begin();
        Reductions.Scatter(FloatType(dx, "Scatter"), dy.Pointer, index.Pointer, dx.Pointer, outer, extent, inner);
    }
}
