using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "Dropout"))
            RandomFill.Dropout(x.PointerTo<double>(), y.PointerTo<double>(), mask.PointerTo<byte>(), p, x.Count, seed, stream, offset);
        else
            RandomFill.Dropout(x.PointerTo<float>(), y.PointerTo<float>(), mask.PointerTo<byte>(), p, x.Count, seed, stream, offset);
    }

    public override void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "ApplyMask"))
            RandomFill.ApplyMask(dy.PointerTo<double>(), mask.PointerTo<byte>(), scale, dx.PointerTo<double>(), dx.Count);
        else
            RandomFill.ApplyMask(dy.PointerTo<float>(), mask.PointerTo<byte>(), scale, dx.PointerTo<float>(), dx.Count);
    }
}
