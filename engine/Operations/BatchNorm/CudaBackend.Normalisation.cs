using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private BatchNormKernels? _batchNorm;
    private LayerNormKernels? _layerNorm;

    private BatchNormKernels BatchNorm => Once(ref _batchNorm, static b => new BatchNormKernels(b.Context));

    public LayerNormKernels LayerNorms => Once(ref _layerNorm, static b => new LayerNormKernels(b.Context, b.BatchNorm));

    public override void BatchStatistics(Tensor x, Tensor mean, Tensor variance)
    {
        using var call = KernelCall.Begin();
        var (type, rows, channels) = (WideType(x, "BatchStatistics"), x.Shape[0], x.Shape[1]);
        using var workspace = new CudaWorkspace(Pool, BatchNormKernels.WorkspaceBytes(type, rows, channels), "BatchStatistics");
        BatchNorm.Statistics(type, x.Pointer, mean.Pointer, variance.Pointer, rows, channels, workspace.Pointer, Rest(mean), Rest(variance));
    }

    public override void TrackStatistics(
        Tensor mean, Tensor variance, Tensor runningMean, Tensor runningVariance, double momentum, double correction)
    {
        using var call = KernelCall.Begin();
        BatchNorm.Track(
            WideType(mean, "TrackStatistics"), mean.Pointer, variance.Pointer, runningMean.Pointer, runningVariance.Pointer, momentum, correction,
            mean.Count);
    }

    public override void BatchNormalise(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, Tensor y)
    {
        using var call = KernelCall.Begin();
        BatchNorm.Normalise(
            WideType(x, "BatchNormalise"), x.Pointer, mean.Pointer, variance.Pointer, gamma.Pointer, beta.Pointer, eps, relu, y.Pointer,
            x.Shape[0], x.Shape[1], Rest(mean), Rest(variance));
    }

    public override void BatchNormBackward(
        Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics,
        Tensor dx, Tensor dGamma, Tensor dBeta)
    {
        using var call = KernelCall.Begin();
        var (type, rows, channels) = (WideType(x, "BatchNormBackward"), x.Shape[0], x.Shape[1]);
        using var workspace = new CudaWorkspace(Pool, BatchNormKernels.WorkspaceBytes(type, rows, channels), "BatchNormBackward");
        BatchNorm.Backward(
            type, x.Pointer, dy.Pointer, mean.Pointer, variance.Pointer, gamma.Pointer, beta.Pointer, eps, relu, ownStatistics,
            dx.Pointer, dGamma.Pointer, dBeta.Pointer, rows, channels, workspace.Pointer, Rest(mean), Rest(variance));
    }

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

    // The second row of statistics that an operation keeps for itself, [2, n]; a user's own have one row.
    private static nint Rest(Tensor statistics) =>
        statistics.Shape.Rank == 2 ? statistics.Pointer + ((nint)statistics.Shape[1] * statistics.DType.Size()) : 0;
}
