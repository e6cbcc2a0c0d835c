using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset) =>
        Dispatch(x, "Dropout", new DropoutJob(x, y, mask, p, seed, stream, offset));

    public override void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx) => Dispatch(dx, "ApplyMask", new ApplyMaskJob(dy, mask, scale, dx));

    private readonly struct DropoutJob(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset) : IFloatJob
    {
        void IFloatJob.Run<T>() =>
            RandomFill.Dropout(x.PointerTo<T>(), y.PointerTo<T>(), mask.PointerTo<byte>(), p, x.Count, seed, stream, offset);
    }

    private readonly struct ApplyMaskJob(Tensor dy, Tensor mask, double scale, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => RandomFill.ApplyMask(dy.PointerTo<T>(), mask.PointerTo<byte>(), scale, dx.PointerTo<T>(), dx.Count);
    }
}
