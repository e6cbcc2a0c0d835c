using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Conv2d(in ConvGeometry g, Tensor x, Tensor weight, Tensor? bias, Tensor y)
    {
        var s = ConvShapeOf(g);
        if (IsDouble(x, "Conv2d"))
            Conv.Forward(s, x.PointerTo<double>(), weight.PointerTo<double>(), bias is null ? null : bias.PointerTo<double>(), y.PointerTo<double>());
        else
            Conv.Forward(s, x.PointerTo<float>(), weight.PointerTo<float>(), bias is null ? null : bias.PointerTo<float>(), y.PointerTo<float>());
    }

    public override void Conv2dDataGradient(in ConvGeometry g, Tensor dy, Tensor weight, Tensor dx)
    {
        var s = ConvShapeOf(g);
        if (IsDouble(dy, "Conv2d"))
            Conv.DataGradient(s, dy.PointerTo<double>(), weight.PointerTo<double>(), dx.PointerTo<double>());
        else
            Conv.DataGradient(s, dy.PointerTo<float>(), weight.PointerTo<float>(), dx.PointerTo<float>());
    }

    public override void Conv2dWeightGradient(in ConvGeometry g, Tensor x, Tensor dy, Tensor dWeight)
    {
        var s = ConvShapeOf(g);
        if (IsDouble(x, "Conv2d"))
            Conv.WeightGradient(s, x.PointerTo<double>(), dy.PointerTo<double>(), dWeight.PointerTo<double>());
        else
            Conv.WeightGradient(s, x.PointerTo<float>(), dy.PointerTo<float>(), dWeight.PointerTo<float>());
    }

    private static ConvShape ConvShapeOf(in ConvGeometry g) => new(
        g.Batch, g.Height, g.Width, g.InChannels, g.OutChannels, g.KernelHeight, g.KernelWidth, g.StrideHeight, g.StrideWidth,
        g.PadHeight, g.PadWidth, g.PadHeight, g.PadWidth);
}
