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

    /// <summary>Panels of output channels, [Depth, channels of the panel] each.</summary>
    public float* Weights;

    /// <summary>The rows of an image that belong to this phase: the first, and how many.</summary>
    public int FirstRow, RowCount;

    /// <summary>Pixels of each row.</summary>
    public int PixelsPerRow;

    public int* Pixels, Outs;

    /// <summary>How many entries <see cref="Pixels"/> and <see cref="Outs"/> have.</summary>
    public readonly long TableSize(in ConvGrid grid) =>
        (long)PixelsPerRow * (grid.WholeImages ? grid.ImagesPerGroup * RowCount : grid.RowsPerGroup);

    /// <summary>Fills the tables.</summary>
    /// <param name="grid">How the batch is divided.</param>
    /// <param name="source">What is read.</param>
    /// <param name="firstColumn">Column of the window that the phase's first pixel of a row reads first.</param>
    /// <param name="columnStep">Columns of the window from one pixel to the next.</param>
    /// <param name="output">Where the output's pixels stand.</param>
    /// <param name="outFirst">Place of the first pixel of (possibly absent) row 0.</param>
    public readonly void FillTables(in ConvGrid grid, in ConvSource source, int firstColumn, int columnStep, in ConvOutput output, int outFirst)
    {
        var first = grid.WholeImages ? FirstRow : 0;
        var count = grid.WholeImages ? RowCount : grid.RowsPerGroup;
        var at = 0;
        for (var image = 0; image < grid.ImagesPerGroup; image++)
        {
            for (var row = first; row < first + count; row++)
            {
                var pixel = (int)(image * source.ImageStride) + row * source.Step * source.RowStride + firstColumn * source.Channels;
                var place = (int)(image * output.ImageStride) + row * output.RowStep + outFirst;
                for (var i = 0; i < PixelsPerRow; i++, at++)
                {
                    Pixels[at] = pixel + i * columnStep * source.Channels;
                    Outs[at] = place + i * output.PixelStep;
                }
            }
        }
    }

    /// <summary>Which entries of the tables belong to a group.</summary>
    public readonly (int First, int Count) Range(in ConvGrid grid, ConvGrid.Group group)
    {
        if (grid.WholeImages)
            return (0, group.Images * RowCount * PixelsPerRow);
        var first = Math.Max(FirstRow, group.FirstRow);
        var end = Math.Min(FirstRow + RowCount, group.FirstRow + group.Rows);
        return ((first - group.FirstRow) * PixelsPerRow, Math.Max(0, end - first) * PixelsPerRow);
    }
}
