using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>
/// Output pixels that all read the window in the same pattern. A forward pass has one phase; the gradient of a convolution
/// with strides has one for each remainder of row and column by the strides, with the taps that meet it.
/// </summary>
/// <remarks>
/// Value <c>Pixels[i] + Taps[t]</c> of the window meets row t of the weights in pixel i, which stands at <c>Outs[i]</c> in
/// the output. Offsets count from the first row of a group, so every group uses the same tables.
/// </remarks>
internal unsafe struct ConvPhase
{
    /// <summary>Rows of <see cref="Weights"/>; for 0 the pixels are zero.</summary>
    public int Depth;

    public int* Taps;

    /// <summary>For each group of channels its panels of output channels, [Depth, channels of the panel] each.</summary>
    public float* Weights;

    /// <summary>The rows of an image that belong to this phase: the first, and how many.</summary>
    public int FirstRow, RowCount;

    /// <summary>Pixels of each row.</summary>
    public int PixelsPerRow;

    public int* Pixels, Outs;

    /// <summary>Where the pixels stand in the residual; null without one.</summary>
    public int* Starts;

    /// <summary>How many entries <see cref="Pixels"/>, <see cref="Outs"/> and <see cref="Starts"/> have.</summary>
    public readonly long TableSize(in ConvGrid grid) =>
        (long)PixelsPerRow * (grid.WholeImages ? grid.ImagesPerGroup * RowCount : grid.RowsPerGroup);

    /// <summary>Fills <see cref="Pixels"/>.</summary>
    /// <param name="grid">How the batch is divided.</param>
    /// <param name="source">What is read.</param>
    /// <param name="firstColumn">Column of the window that the phase's first pixel of a row reads first.</param>
    /// <param name="columnStep">Columns of the window from one pixel to the next.</param>
    public readonly void FillPixels(in ConvGrid grid, in ConvSource source, int firstColumn, int columnStep) =>
        Fill(grid, source.ImageStride, source.Step * source.RowStride, columnStep * source.Channels, firstColumn * source.Channels, Pixels);

    /// <summary>Fills <see cref="Outs"/> or <see cref="Starts"/>.</summary>
    /// <param name="grid">How the batch is divided.</param>
    /// <param name="output">Where the pixels stand.</param>
    /// <param name="first">Place of the first pixel of (possibly absent) row 0.</param>
    /// <param name="places">The table.</param>
    public readonly void FillPlaces(in ConvGrid grid, in ConvOutput output, int first, int* places) =>
        Fill(grid, output.ImageStride, output.RowStep, output.PixelStep, first, places);

    /// <summary>Which entries of the tables belong to a group.</summary>
    public readonly (int First, int Count) Range(in ConvGrid grid, ConvGrid.Group group)
    {
        if (grid.WholeImages)
            return (0, group.Images * RowCount * PixelsPerRow);
        var first = Math.Max(FirstRow, group.FirstRow);
        var end = Math.Min(FirstRow + RowCount, group.FirstRow + group.Rows);
        return ((first - group.FirstRow) * PixelsPerRow, Math.Max(0, end - first) * PixelsPerRow);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Fill(in ConvGrid grid, long imageStride, int rowStride, int pixelStride, int first, int* table)
    {
        var firstRow = grid.WholeImages ? FirstRow : 0;
        var rows = grid.WholeImages ? RowCount : grid.RowsPerGroup;
        for (var image = 0; image < grid.ImagesPerGroup; image++)
        {
            for (var row = firstRow; row < firstRow + rows; row++)
            {
                var at = (int)(image * imageStride) + row * rowStride + first;
                for (var i = 0; i < PixelsPerRow; i++, at += pixelStride)
                    *table++ = at;
            }
        }
    }
}
