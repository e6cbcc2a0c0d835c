namespace EscNative.Kernels.Cpu;

/// <summary>How a batch is divided: into groups of several small images, or strips of rows of one image.</summary>
internal readonly struct ConvGrid
{
    // The window of a group and a panel of weights stay in L2 together.
    private const int GroupBytes = 512 << 10;

    // With that many tasks for each thread, one that is slow delays the others little; but a task should take some 2 us.
    private const int TasksPerThread = 8;
    private const double TaskFlops = 1 << 19;

    // As many pixels amortise a panel of weights that comes from L2.
    private const int FewestPixels = 32;

    private readonly int _images;
    private readonly int _stripsPerImage;

    private ConvGrid(int images, int rows, int imagesPerGroup, int rowsPerGroup)
    {
        _images = images;
        Rows = rows;
        ImagesPerGroup = imagesPerGroup;
        RowsPerGroup = rowsPerGroup;
        _stripsPerImage = (rows + rowsPerGroup - 1) / rowsPerGroup;
        Groups = _stripsPerImage * ((images + imagesPerGroup - 1) / imagesPerGroup);
    }

    /// <summary>One group: images, and output rows of each; always all rows if there are several images.</summary>
    public readonly record struct Group(int FirstImage, int Images, int FirstRow, int Rows);

    /// <summary>Output rows of an image.</summary>
    public int Rows { get; }

    /// <summary>Images of a whole group.</summary>
    public int ImagesPerGroup { get; }

    /// <summary>Rows of a whole group; the rows of an image, or fewer.</summary>
    public int RowsPerGroup { get; }

    /// <summary>How many groups there are.</summary>
    public int Groups { get; }

    public bool WholeImages => RowsPerGroup == Rows;

    /// <summary>Divides images of some rows of output pixels.</summary>
    /// <param name="images">At least 1.</param>
    /// <param name="rows">Output rows, at least 1.</param>
    /// <param name="pixelsPerRow">Output pixels of a row, at least 1.</param>
    /// <param name="source">What is read.</param>
    /// <param name="pixels">As many output pixels as a group should have, if memory allows.</param>
    /// <param name="tasks">How many groups are wanted; 1 where the result depends on the division.</param>
    /// <param name="passes">In how many pieces a group's window is read, one after another: one piece at a time stays in L2.</param>
    public static ConvGrid Create(int images, int rows, int pixelsPerRow, in ConvSource source, int pixels, int tasks, int passes = 1)
    {
        var groupBytes = (long)GroupBytes * passes;
        // Without channels there is nothing to read.
        var rowBytes = Math.Max(1, (long)source.RowStride * sizeof(float));
        var imageBytes = Math.Max(1, source.ImageStride * sizeof(float));
        var rowsFit = (groupBytes / rowBytes - source.Reach) / source.Step + 1;
        var rowsPerGroup = (int)Math.Clamp(rowsFit, 1, rows);
        var imagesPerGroup = 1L;
        if (rowsPerGroup == rows)
            imagesPerGroup = Math.Min(pixels / ((long)rows * pixelsPerRow), groupBytes / imageBytes);

        if (tasks > 1)
        {
            imagesPerGroup = Math.Min(imagesPerGroup, images / tasks);
            var strips = (tasks + images - 1) / images;
            var fewestRows = (FewestPixels + pixelsPerRow - 1) / pixelsPerRow;
            rowsPerGroup = Math.Min(rowsPerGroup, Math.Max(fewestRows, (rows + strips - 1) / strips));
        }

        // Strips of equal height.
        var count = (rows + rowsPerGroup - 1) / rowsPerGroup;
        rowsPerGroup = (rows + count - 1) / count;
        return new ConvGrid(images, rows, (int)Math.Max(1, rowsPerGroup == rows ? imagesPerGroup : 1), rowsPerGroup);
    }

    /// <summary>How many tasks a pass should be divided into.</summary>
    /// <param name="flops">Multiplications and additions.</param>
    public static int TasksFor(double flops)
    {
        var threads = CpuParallel.ThreadsHere;
        return threads == 1 ? 1 : (int)Math.Clamp(flops / TaskFlops, 1, TasksPerThread * threads);
    }

    public Group this[int index]
    {
        get
        {
            var image = index / _stripsPerImage * ImagesPerGroup;
            var row = index % _stripsPerImage * RowsPerGroup;
            return new Group(image, Math.Min(ImagesPerGroup, _images - image), row, Math.Min(RowsPerGroup, Rows - row));
        }
    }
}
