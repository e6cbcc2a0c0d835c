namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>y = x mask / (1 - p), with mask (U8) = 1 where the uniform number i of the stream is at least p.</summary>
    public abstract void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset);

    /// <summary>dx = dy mask scale.</summary>
    public abstract void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx);
}
