using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The images that a convolution reads, and the window of them, with zeros around, that it works in.</summary>
/// <remarks>
/// Row r of the window is row r - PadTop of the image; a window may also leave out rows of the image (PadTop below 0).
/// Where the window lies within the image it is read in place, else the rows in need are copied, with their zeros, into
/// memory of the thread: a few images or rows, which stay in its cache.
/// </remarks>
internal unsafe struct ConvSource
{
    public float* Data;
    public int Height, Width, Channels;
    public int PadTop, PadLeft, WindowHeight, WindowWidth;

    /// <summary>Rows of the window from one output row to the next.</summary>
    public int Step;

    /// <summary>Rows of the window that one output row reads.</summary>
    public int Reach;

    public readonly bool InPlace =>
        PadTop <= 0 && PadLeft <= 0 && WindowHeight - PadTop <= Height && WindowWidth - PadLeft <= Width;

    /// <summary>Values from one row of the window to the next.</summary>
    public readonly int RowStride => (InPlace ? Width : WindowWidth) * Channels;

    /// <summary>Values from one image's window to the next one's.</summary>
    public readonly long ImageStride => (long)(InPlace ? Height : WindowHeight) * RowStride;

    /// <summary>The window of some images from the row that belongs to output row <c>group.FirstRow</c>.</summary>
    public readonly float* Load(ConvGrid.Group group)
    {
        var firstRow = group.FirstRow * Step;
        if (InPlace)
            return Data + group.FirstImage * ImageStride + (long)(firstRow - PadTop) * RowStride - (long)PadLeft * Channels;

        var rows = (group.Rows - 1) * Step + Reach;
        var scratch = CpuScratch.Get<float>(CpuScratch.Slot.ConvInput, (long)group.Images * rows * RowStride);
        for (var i = 0; i < group.Images; i++)
        {
            var image = Data + (long)(group.FirstImage + i) * Height * Width * Channels;
            CopyRows(image, firstRow - PadTop, rows, scratch + (long)i * rows * RowStride);
        }

        return scratch;
    }

    // Copies rows of an image from a row that may lie outside.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void CopyRows(float* image, int firstRow, int rows, float* target)
    {
        // Columns of the window before the image, in it, and after it.
        var before = Math.Clamp(PadLeft, 0, WindowWidth);
        var inside = Math.Max(0, Math.Min(WindowWidth, Width + PadLeft) - before);
        var skipped = Math.Max(0, -PadLeft);
        for (var row = firstRow; row < firstRow + rows; row++, target += RowStride)
        {
            var line = new Span<float>(target, RowStride);
            if ((uint)row >= (uint)Height || inside == 0)
            {
                line.Clear();
                continue;
            }

            line[..(before * Channels)].Clear();
            new Span<float>(image + ((long)row * Width + skipped) * Channels, inside * Channels).CopyTo(line[(before * Channels)..]);
            line[((before + inside) * Channels)..].Clear();
        }
    }
}
