using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private RandomKernels? _random;

    private RandomKernels Random => Once(ref _random, static b => new RandomKernels(b.Context));

    public override void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset)
    {
        using var call = KernelCall.Begin();
        Random.Dropout(FloatType(x, "Dropout"), x.Pointer, y.Pointer, mask.Pointer, p, x.Count, seed, stream, offset);
    }

    public override void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Random.ApplyMask(FloatType(dx, "ApplyMask"), dy.Pointer, mask.Pointer, scale, dx.Pointer, dx.Count);
    }
}
