using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    private readonly WinogradWeightCache _winogradWeights = new();

    // Float32 and float64 have kernels of their own here, so these members choose themselves rather than dispatch one job.
    public override void Conv2d(in WindowShape s, bool fast, Tensor x, Tensor weight, Tensor? bias, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "Conv2d"))
        {
            Conv.Forward(s, x.PointerTo<double>(), weight.PointerTo<double>(), Optional<double>(bias), y.PointerTo<double>());
        }
        else if (fast && Winograd.Pays(s, out var tile))
        {
            RunWinograd(s, tile, forDataGradient: false, x, weight, Optional<float>(bias), y);
        }
        else
        {
            Conv.Forward(s, x.PointerTo<float>(), weight.PointerTo<float>(), Optional<float>(bias), y.PointerTo<float>());
        }
    }

    public override void Conv2dDataGradient(in WindowShape s, bool fast, Tensor dy, Tensor weight, Tensor dx)
    {
        using var call = KernelCall.Begin();
        // The gradient is a convolution too, of the output's size and with the rest of the padding.
        var gradient = new WindowShape(
            s.Batch, s.OutHeight, s.OutWidth, s.OutChannels, s.InChannels, 3, 3, 1, 1,
            2 - s.PadTop, 2 - s.PadLeft, 2 - s.PadTop, 2 - s.PadLeft);
        if (IsDouble(dy, "Conv2d"))
        {
            Conv.DataGradient(s, dy.PointerTo<double>(), weight.PointerTo<double>(), dx.PointerTo<double>());
        }
        else if (fast && s.IsPlain && s is { KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 1, PadTop: <= 2, PadLeft: <= 2 }
            && Winograd.Pays(gradient, out var tile))
        {
            RunWinograd(gradient, tile, forDataGradient: true, dy, weight, null, dx);
        }
        else
        {
            Conv.DataGradient(s, dy.PointerTo<float>(), weight.PointerTo<float>(), dx.PointerTo<float>());
        }
    }

    public override void Conv2dWeightGradient(in WindowShape s, Tensor x, Tensor dy, Tensor dWeight)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "Conv2d"))
            Conv.WeightGradient(s, x.PointerTo<double>(), dy.PointerTo<double>(), dWeight.PointerTo<double>());
        else
            Conv.WeightGradient(s, x.PointerTo<float>(), dy.PointerTo<float>(), dWeight.PointerTo<float>());
    }

    private void RunWinograd(in WindowShape s, WinogradTile tile, bool forDataGradient, Tensor x, Tensor weight, float* bias, Tensor y)
    {
        var transformed = _winogradWeights.Rent(s.OutChannels, s.InChannels, tile, forDataGradient, weight.PointerTo<float>());
        try
        {
            Winograd.Forward(
                s, new ImageView(x.PointerTo<float>(), s.Height, s.Width, s.InChannels), transformed,
                new ConvEpilogue((nint)bias, default, Relu: false),
                new ImageView(y.PointerTo<float>(), s.OutHeight, s.OutWidth, s.OutChannels));
        }
        finally
        {
            _winogradWeights.Return(transformed, forDataGradient);
        }
    }
}
