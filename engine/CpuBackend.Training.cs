using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Uniform(Tensor y, ulong seed, ulong stream, ulong offset)
    {
        if (IsDouble(y, "Uniform"))
            RandomFill.Uniform(y.PointerTo<double>(), y.Count, seed, stream, offset);
        else
            RandomFill.Uniform(y.PointerTo<float>(), y.Count, seed, stream, offset);
    }

    public override void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset)
    {
        if (IsDouble(x, "Dropout"))
            RandomFill.Dropout(x.PointerTo<double>(), y.PointerTo<double>(), mask.PointerTo<byte>(), p, x.Count, seed, stream, offset);
        else
            RandomFill.Dropout(x.PointerTo<float>(), y.PointerTo<float>(), mask.PointerTo<byte>(), p, x.Count, seed, stream, offset);
    }

    public override void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx)
    {
        if (IsDouble(dx, "ApplyMask"))
            RandomFill.ApplyMask(dy.PointerTo<double>(), mask.PointerTo<byte>(), scale, dx.PointerTo<double>(), dx.Count);
        else
            RandomFill.ApplyMask(dy.PointerTo<float>(), mask.PointerTo<byte>(), scale, dx.PointerTo<float>(), dx.Count);
    }

    public override void Sgd(
        Tensor weight, Tensor gradient, Tensor? velocity, double rate, double momentum, double decay, bool nesterov)
    {
        if (IsDouble(weight, "Sgd"))
        {
            Optimizers.Sgd(
                weight.PointerTo<double>(), gradient.PointerTo<double>(), Optional<double>(velocity), weight.Count, rate, momentum, decay, nesterov);
        }
        else
        {
            Optimizers.Sgd(
                weight.PointerTo<float>(), gradient.PointerTo<float>(), Optional<float>(velocity), weight.Count, rate, momentum, decay, nesterov);
        }
    }

    public override void Adam(
        Tensor weight, Tensor gradient, Tensor first, Tensor second, double rate, double beta1, double beta2, double eps,
        double decay, bool decoupled, long t)
    {
        if (IsDouble(weight, "Adam"))
        {
            Optimizers.Adam(
                weight.PointerTo<double>(), gradient.PointerTo<double>(), first.PointerTo<double>(), second.PointerTo<double>(), weight.Count,
                rate, beta1, beta2, eps, decay, decoupled, t);
        }
        else
        {
            Optimizers.Adam(
                weight.PointerTo<float>(), gradient.PointerTo<float>(), first.PointerTo<float>(), second.PointerTo<float>(), weight.Count,
                rate, beta1, beta2, eps, decay, decoupled, t);
        }
    }

    public override void ImagesToFloat(
        Tensor x, ReadOnlySpan<float> mean, ReadOnlySpan<float> std, ReadOnlySpan<byte> flip, ReadOnlySpan<int> dy, ReadOnlySpan<int> dx,
        Tensor y)
    {
        if (IsDouble(y, "ImagesToFloat"))
        {
            Images.ToNumbers(
                x.PointerTo<byte>(), y.PointerTo<double>(), x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], mean, std, flip, dy, dx);
        }
        else
        {
            Images.ToNumbers(
                x.PointerTo<byte>(), y.PointerTo<float>(), x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], mean, std, flip, dy, dx);
        }
    }
}
