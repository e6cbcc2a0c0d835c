namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    /// <summary>Every so many-th pixel of contiguous float32 images, among channels of zeros: zeros, and a strided copy over them.</summary>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="from">The shape of x.</param>
    /// <param name="y">[n, ⌈h / stride⌉, ⌈w / stride⌉, channels].</param>
    /// <param name="to">The shape of y.</param>
    /// <param name="stride">Pixels from one to the next, both ways.</param>
    /// <param name="before">Channels of zeros before those of x.</param>
    public void Subsample(nint x, Shape from, nint y, Shape to, int stride, int before)
    {
        if (to[3] > from[3])
            Copies.Fill(sizeof(float), 0, y, to.Count);
        var row = (long)from[2] * from[3];
        var copied = to.With(3, from[3]);
        Copies.Copy(
            sizeof(float), x, y + (before * sizeof(float)), copied.Count,
            Merged(copied, new Strides([from[1] * row, stride * row, (long)stride * from[3], 1]), Strides.Contiguous(to)));
    }
}
