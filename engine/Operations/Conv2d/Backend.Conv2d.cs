using EscNative.Kernels;

namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>x [n, h, w, c], weight [o, kh, kw, c / groups], bias [o] or null, y [n, oh, ow, o].</summary>
    /// <param name="fast">Whether the device may use an algorithm that rounds more than a plain sum, where that is faster.</param>
    public abstract void Conv2d(in WindowShape s, bool fast, Tensor x, Tensor weight, Tensor? bias, Tensor y);

    public abstract void Conv2dDataGradient(in WindowShape s, bool fast, Tensor dy, Tensor weight, Tensor dx);

    public abstract void Conv2dWeightGradient(in WindowShape s, Tensor x, Tensor dy, Tensor dWeight);
}
