namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>x [n, h, w, c], weight [o, kh, kw, c], bias [o] or null, y [n, oh, ow, o].</summary>
    public abstract void Conv2d(in ConvGeometry g, Tensor x, Tensor weight, Tensor? bias, Tensor y);

    public abstract void Conv2dDataGradient(in ConvGeometry g, Tensor dy, Tensor weight, Tensor dx);

    public abstract void Conv2dWeightGradient(in ConvGeometry g, Tensor x, Tensor dy, Tensor dWeight);
}
