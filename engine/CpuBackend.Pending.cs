namespace EscNative.Engine;

internal sealed partial class CpuBackend
{
    public override void Conv2d(in ConvGeometry g, Tensor x, Tensor weight, Tensor? bias, Tensor y) => throw new NotSupportedException();

    public override void Conv2dDataGradient(in ConvGeometry g, Tensor dy, Tensor weight, Tensor dx) => throw new NotSupportedException();

    public override void Conv2dWeightGradient(in ConvGeometry g, Tensor x, Tensor dy, Tensor dWeight) => throw new NotSupportedException();

}
