using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The sizes of a pooling over images [n, h, w, c].</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of an image.</param>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Channels">Values of a pixel.</param>
/// <param name="KernelHeight">Rows of a window.</param>
/// <param name="KernelWidth">Pixels of a window's row.</param>
/// <param name="StrideHeight">Rows from one window to the next.</param>
/// <param name="StrideWidth">Pixels from one window to the next.</param>
/// <param name="PadHeight">Rows above and below the image.</param>
/// <param name="PadWidth">Pixels left and right of the image.</param>
public readonly record struct PoolShape(
    int Batch, int Height, int Width, int Channels, int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth,
    int PadHeight, int PadWidth)
{
    /// <summary>Windows from top to bottom.</summary>
    public int OutHeight => (Height + 2 * PadHeight - KernelHeight) / StrideHeight + 1;

    /// <summary>Windows from left to right.</summary>
    public int OutWidth => (Width + 2 * PadWidth - KernelWidth) / StrideWidth + 1;

    /// <summary>The part of window row <paramref name="y"/> that lies in the image: rows start .. end - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal (int Start, int End) Rows(int y)
    {
        var start = y * StrideHeight - PadHeight;
        return (Math.Max(start, 0), Math.Min(start + KernelHeight, Height));
    }

    /// <summary>The part of window column <paramref name="x"/> that lies in the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal (int Start, int End) Columns(int x)
    {
        var start = x * StrideWidth - PadWidth;
        return (Math.Max(start, 0), Math.Min(start + KernelWidth, Width));
    }

    /// <summary>The windows that hold image row <paramref name="row"/>: start .. end - 1.</summary>
    internal (int Start, int End) WindowsOfRow(int row) =>
        Windows(row + PadHeight, KernelHeight, StrideHeight, OutHeight);

    /// <summary>The windows that hold image column <paramref name="column"/>.</summary>
    internal (int Start, int End) WindowsOfColumn(int column) =>
        Windows(column + PadWidth, KernelWidth, StrideWidth, OutWidth);

    // Windows i with i stride <= place < i stride + kernel.
    private static (int Start, int End) Windows(int place, int kernel, int stride, int count)
    {
        var start = place < kernel ? 0 : (place - kernel) / stride + 1;
        return (start, Math.Min(place / stride + 1, count));
    }
}
