namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>Sets every value; any type, any strides.</summary>
    public abstract void Fill(Tensor y, double value);

    /// <summary>Copies between tensors of one shape and type; both sides may be strided, the source's strides may be 0.</summary>
    public abstract void Copy(Tensor source, Tensor destination);

    /// <summary>Copies between contiguous tensors of any two types, rounding to nearest even where the new type is narrower.</summary>
    public abstract void Convert(Tensor source, Tensor destination);
}
