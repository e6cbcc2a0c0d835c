namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>c[b] = op(a[b]) op(b[b]) for b &lt; batch: [m, k] times [k, n], each stored transposed where the flag says so.</summary>
    /// <param name="strideA">Values from one matrix of a to the next; 0 uses the same one for all.</param>
    public abstract void MatMul(
        Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k);
}
