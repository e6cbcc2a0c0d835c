using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private LayerNormKernels? _layerNorm;

    public LayerNormKernels LayerNorms => Once(ref _layerNorm, static b => new LayerNormKernels(b.Context, b.BatchNorm));

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd)
    {
        using var call = KernelCall.Begin();
        LayerNorms.Forward(
            WideType(x, "LayerNorm"), x.Pointer, gamma.Pointer, beta.Pointer, eps, y.Pointer, mean.Pointer, rstd.Pointer, x.Shape[0], x.Shape[1],
            Rest(mean));
    }

    public override void LayerNormBackward(
        Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta)
    {
        using var call = KernelCall.Begin();
        var (type, rows, d) = (WideType(x, "LayerNormBackward"), x.Shape[0], x.Shape[1]);
        using var workspace = new CudaWorkspace(Pool, LayerNormKernels.WorkspaceBytes(type, rows, d), "LayerNormBackward");
        LayerNorms.Backward(
            type, x.Pointer, dy.Pointer, gamma.Pointer, mean.Pointer, rstd.Pointer, dx.Pointer, dGamma.Pointer, dBeta.Pointer, rows, d,
            workspace.Pointer, Rest(mean));
    }
}
