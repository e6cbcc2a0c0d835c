using EscNative.Kernels;

namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>Averages over windows of x [n, h, w, c]; padding counts as zeros where <paramref name="countPadding"/>.</summary>
    public abstract void AveragePool(in WindowShape s, bool countPadding, Tensor x, Tensor y);

    public abstract void AveragePoolBackward(in WindowShape s, bool countPadding, Tensor dy, Tensor dx);

    /// <summary>Means over so many windows of x [n, h, w, c].</summary>
    public abstract void AdaptiveAveragePool(in AdaptivePoolShape s, Tensor x, Tensor y);

    public abstract void AdaptiveAveragePoolBackward(in AdaptivePoolShape s, Tensor dy, Tensor dx);

    /// <summary>The largest of each window; index (I32) = its position h w + x in the image, the first of equals.</summary>
    public abstract void MaxPool(in WindowShape s, Tensor x, Tensor y, Tensor index);

    public abstract void MaxPoolBackward(in WindowShape s, Tensor dy, Tensor index, Tensor dx);
}
