using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private BatchNormKernels? _batchNorm;

    private BatchNormKernels BatchNorm => Once(ref _batchNorm, static b => new BatchNormKernels(b.Context));

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
}
