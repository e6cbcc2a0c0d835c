using System.Runtime.CompilerServices;

namespace EscNative.Kernels;

/// <summary>The sizes of a two-dimensional convolution or pooling, on both devices. Activations are NHWC, weights OHWI.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of an input image.</param>
/// <param name="Width">Columns of an input image.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output; a pooling has those of its input.</param>
/// <param name="KernelHeight">Rows of a window, at least 1.</param>
/// <param name="KernelWidth">Columns of a window, at least 1.</param>
/// <param name="StrideHeight">Rows from one window to the next, at least 1.</param>
/// <param name="StrideWidth">Columns from one window to the next, at least 1.</param>
/// <param name="PadTop">Rows of zeros above.</param>
/// <param name="PadLeft">Columns of zeros to the left.</param>
/// <param name="PadBottom">Rows of zeros below.</param>
/// <param name="PadRight">Columns of zeros to the right.</param>
/// <param name="DilationHeight">Rows of the image from one row of a convolution's kernel to the next, at least 1.</param>
/// <param name="DilationWidth">Columns of the image from one column of a convolution's kernel to the next, at least 1.</param>
/// <param name="Groups">Into how many slices the channels of a convolution are cut, each a convolution by itself: it divides the channels of
/// input and output, and weights are [out, kh, kw, in / groups].</param>
public readonly record struct WindowShape(
    int Batch,
    int Height,
    int Width,
    int InChannels,
    int OutChannels,
    int KernelHeight,
    int KernelWidth,
    int StrideHeight,
    int StrideWidth,
    int PadTop,
    int PadLeft,
    int PadBottom,
    int PadRight,
    int DilationHeight = 1,
    int DilationWidth = 1,
    int Groups = 1)
{
    /// <summary>Rows of an output image: windows from top to bottom.</summary>
    public int OutHeight => OutSize(Height + PadTop + PadBottom, SpanHeight, StrideHeight);

    /// <summary>Columns of an output image: windows from left to right.</summary>
    public int OutWidth => OutSize(Width + PadLeft + PadRight, SpanWidth, StrideWidth);

    /// <summary>Rows of the image from the first to the last row of a kernel.</summary>
    public int SpanHeight => ((KernelHeight - 1) * DilationHeight) + 1;

    /// <summary>Columns of the image from the first to the last column of a kernel.</summary>
    public int SpanWidth => ((KernelWidth - 1) * DilationWidth) + 1;

    /// <summary>Multiplications and additions of one pass of a convolution, those with padding zeros included.</summary>
    public double Flops => 2.0 * OutPixels * OutChannels * Taps;

    /// <summary>Values that meet in one output value of a convolution: kernel rows x columns x input channels of a group.</summary>
    public int Taps => KernelHeight * KernelWidth * GroupInChannels;

    /// <summary>Channels of the input that a group reads.</summary>
    public int GroupInChannels => Groups == 1 ? InChannels : InChannels / Groups;

    /// <summary>Channels of the output that a group writes.</summary>
    public int GroupOutChannels => Groups == 1 ? OutChannels : OutChannels / Groups;

    /// <summary>Whether there is one group, and the taps are neighbours: what every algorithm can do.</summary>
    public bool IsPlain => Groups == 1 && DilationHeight == 1 && DilationWidth == 1;

    /// <summary>Whether each channel of the input is a group by itself.</summary>
    public bool IsDepthwise => Groups > 1 && Groups == InChannels;

    /// <summary>Output pixels of the batch.</summary>
    internal long OutPixels => (long)Batch * OutHeight * OutWidth;

    /// <summary>A convolution with the same padding on both sides.</summary>
    /// <param name="input">Images, rows, columns and channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernel">Rows and columns of a window.</param>
    /// <param name="stride">Rows and columns from one window to the next.</param>
    /// <param name="padding">Rows above and below, columns left and right.</param>
    public static WindowShape Of(
        (int Batch, int Height, int Width, int Channels) input, int outChannels, (int Height, int Width) kernel, (int Height, int Width) stride,
        (int Height, int Width) padding) => new(
        input.Batch, input.Height, input.Width, input.Channels, outChannels, kernel.Height, kernel.Width, stride.Height, stride.Width,
        padding.Height, padding.Width, padding.Height, padding.Width);

    /// <summary>A pooling, with the same padding on both sides.</summary>
    /// <inheritdoc cref="Of" path="/param"/>
    public static WindowShape Pool(
        (int Batch, int Height, int Width, int Channels) input, (int Height, int Width) kernel, (int Height, int Width) stride,
        (int Height, int Width) padding) => Of(input, input.Channels, kernel, stride, padding);

    /// <summary>The part of window row <paramref name="y"/> that lies in the image: rows start .. end - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal (int Start, int End) Rows(int y)
    {
        var start = y * StrideHeight - PadTop;
        return (Math.Max(start, 0), Math.Min(start + KernelHeight, Height));
    }

    /// <summary>The part of window column <paramref name="x"/> that lies in the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal (int Start, int End) Columns(int x)
    {
        var start = x * StrideWidth - PadLeft;
        return (Math.Max(start, 0), Math.Min(start + KernelWidth, Width));
    }

    /// <summary>The same convolution without the rows and columns of its kernel that meet padding alone, as eight of nine values of a 3x3 kernel
    /// do on an image of one pixel: the same sums without their zeros.</summary>
    /// <param name="firstRow">Which row of the kernel is the first that is left.</param>
    /// <param name="firstColumn">Which column is.</param>
    public WindowShape WithinImage(out int firstRow, out int firstColumn)
    {
        (firstRow, var rows, var top, var bottom) = Met(OutHeight, Height, KernelHeight, StrideHeight, DilationHeight, PadTop, PadBottom);
        (firstColumn, var columns, var left, var right) = Met(OutWidth, Width, KernelWidth, StrideWidth, DilationWidth, PadLeft, PadRight);
        return this with { KernelHeight = rows, KernelWidth = columns, PadTop = top, PadBottom = bottom, PadLeft = left, PadRight = right };
    }

    /// <summary>The windows that hold image row <paramref name="row"/>: start .. end - 1.</summary>
    internal (int Start, int End) WindowsOfRow(int row) => Windows(row + PadTop, KernelHeight, StrideHeight, OutHeight);

    // Windows i with i stride <= place < i stride + kernel.
    private static (int Start, int End) Windows(int place, int kernel, int stride, int count)
    {
        var start = place < kernel ? 0 : (place - kernel) / stride + 1;
        return (start, Math.Min(place / stride + 1, count));
    }

    // Values first .. first + count - 1 of a kernel are those between the first and the last that meet a pixel of some window. All are kept where none
    // does, and where windows would begin or end within the image.
    private static (int First, int Count, int Before, int After) Met(int windows, int pixels, int kernel, int stride, int dilation, int before, int after)
    {
        var (first, last) = (kernel, -1);
        for (var i = 0; i < kernel; i++)
        {
            // The first window whose value i is not before the image.
            var place = i * dilation - before;
            var window = place >= 0 ? 0 : (-place + stride - 1) / stride;
            if (window < windows && place + window * stride < pixels)
                (first, last) = (Math.Min(first, i), i);
        }

        var (newBefore, newAfter) = (before - first * dilation, after - (kernel - 1 - last) * dilation);
        return last < 0 || newBefore < 0 || newAfter < 0 ? (0, kernel, before, after) : (first, last - first + 1, newBefore, newAfter);
    }

    private static int OutSize(int padded, int kernel, int stride) => padded < kernel ? 0 : (padded - kernel) / stride + 1;
}
