namespace EscNative.Models.Data;

/// <summary>Labelled 8-bit images of one size, in memory or, where they do not fit, in files; or a subset of such a set, which shares its pixels.</summary>
/// <remarks>Immutable and thread-safe. Every image keeps its id, its position in the set that was read, in every subset.</remarks>
public sealed class ImageSet
{
    // Pixels and labels of the whole store.
    private readonly PixelStore _pixels;
    private readonly int[] _labels;
    // Positions in the store; null means all of them in order.
    private readonly int[]? _ids;
    private readonly string[] _classNames;
    private readonly string[] _notes;
    private string? _contentHash;

    /// <summary>Makes a set from pixels; nothing is copied, and the caller gives the arrays away.</summary>
    /// <param name="name">What the set is called in reports.</param>
    /// <param name="pixels">[n, height, width, channels], 0 to 255.</param>
    /// <param name="labels">[n], 0 to the number of classes - 1.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="channels">Channels of an image: 1 or 3.</param>
    /// <param name="classNames">The name of every class.</param>
    /// <param name="notes">What a reader of results should know about the set, for example an unusual number of images.</param>
    /// <exception cref="ArgumentException">Sizes that disagree, or a label without a class.</exception>
    public ImageSet(
        string name, byte[] pixels, int[] labels, int height, int width, int channels,
        IEnumerable<string> classNames, IEnumerable<string>? notes = null)
        : this(name, new PixelArray(pixels, height * width * channels), labels, null, height, width, channels, [.. classNames], notes is null ? [] : [.. notes])
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        if (pixels.LongLength != (long)labels.Length * height * width * channels)
            throw new ArgumentException($"image set '{name}': {labels.Length} images of [{height}, {width}, {channels}] want {(long)labels.Length * height * width * channels} bytes, got {pixels.LongLength}", nameof(pixels));
        foreach (var label in labels)
        {
            if ((uint)label >= (uint)_classNames.Length)
                throw new ArgumentException($"image set '{name}': label {label} is not one of {_classNames.Length} classes", nameof(labels));
        }
    }

    /// <summary>A set, or a part of one.</summary>
    /// <param name="name">What the set is called in reports.</param>
    /// <param name="pixels">The images of the whole set.</param>
    /// <param name="labels">The classes of the whole set.</param>
    /// <param name="ids">Positions in them; null means all in order.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="classNames">The name of every class.</param>
    /// <param name="notes">What a reader of results should know.</param>
    /// <param name="contentHash">What <see cref="ContentHash"/> gives, where it is known.</param>
    internal ImageSet(string name, PixelStore pixels, int[] labels, int[]? ids, int height, int width, int channels, string[] classNames, string[] notes, string? contentHash = null)
    {
        _contentHash = contentHash;
        Name = name;
        Height = height;
        Width = width;
        Channels = channels;
        _pixels = pixels;
        _labels = labels;
        _ids = ids;
        _classNames = classNames;
        _notes = notes;
    }

    /// <summary>What the set is called in reports.</summary>
    public string Name { get; }

    /// <summary>The number of images.</summary>
    public int Count => _ids?.Length ?? _labels.Length;

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Columns of an image.</summary>
    public int Width { get; }

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Bytes of an image.</summary>
    public int ImageSize => Height * Width * Channels;

    /// <summary>Whether the pixels lie in memory; else they are decoded whenever they are asked for.</summary>
    public bool IsInMemory => _pixels.IsInMemory;

    /// <summary>Whether the images are photos whose files are known in their own sizes, so that random parts can be cut from them.</summary>
    public bool HasOriginals => _pixels.HasOriginals;

    /// <summary>The name of every class.</summary>
    public IReadOnlyList<string> ClassNames => _classNames;

    /// <summary>What a reader of results should know about the set.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>The position of an image in the set that was read: the same number in every subset.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public int Id(int index) => _ids is null ? Checked(index) : _ids[index];

    /// <summary>The class of an image.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public int Label(int index) => _labels[Id(index)];

    /// <summary>An image, [height, width, channels].</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="EscNative.Engine.Formats.DataFormatException">Its file, of a set that is not in memory, can no longer be read.</exception>
    public ReadOnlySpan<byte> Pixels(int index) => _pixels.Row(Id(index));

    /// <summary>Copies images, those from files by several threads at once.</summary>
    /// <param name="indices">Their positions in this set.</param>
    /// <param name="rows">Receives [indices, height, width, channels].</param>
    /// <exception cref="ArgumentException">There is room for another number of images.</exception>
    /// <exception cref="EscNative.Engine.Formats.DataFormatException">The file of one can no longer be read.</exception>
    public void Read(ReadOnlySpan<int> indices, Span<byte> rows)
    {
        if (rows.Length != (long)indices.Length * ImageSize)
            throw new ArgumentException($"image set '{Name}': {indices.Length} images of {ImageSize} bytes do not fit {rows.Length} bytes", nameof(rows));
        var ids = new int[indices.Length];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = Id(Checked(indices[i]));
        _pixels.Read(ids, rows);
    }

    /// <summary>Random parts of the photos, by several threads at once.</summary>
    /// <param name="indices">Their positions in this set.</param>
    /// <param name="draw">Which part of each; by ids, so that subsets draw the same.</param>
    /// <param name="rows">Receives [indices, height, width, channels].</param>
    internal unsafe void Crop(ReadOnlySpan<int> indices, CropDraw draw, Span<byte> rows)
    {
        if (rows.Length != (long)indices.Length * ImageSize)
            throw new ArgumentException($"image set '{Name}': {indices.Length} images of {ImageSize} bytes do not fit {rows.Length} bytes", nameof(rows));
        var ids = new int[indices.Length];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = Id(Checked(indices[i]));
        fixed (byte* to = rows)
        {
            var target = (nint)to;
            ParallelReads.Run(ids.Length, i => _pixels.Crop(ids[i], draw, ids[i], new Span<byte>((byte*)target + ((long)i * ImageSize), ImageSize)));
        }
    }

    /// <summary>A random part of one photo.</summary>
    internal void Crop(int index, CropDraw draw, int drawId, Span<byte> row) => _pixels.Crop(Id(index), draw, drawId, row);

    /// <summary>The classes of all images.</summary>
    public int[] Labels()
    {
        var labels = new int[Count];
        for (var i = 0; i < labels.Length; i++)
            labels[i] = Label(i);
        return labels;
    }

    /// <summary>How many images each class has.</summary>
    public int[] CountPerClass()
    {
        var counts = new int[_classNames.Length];
        for (var i = 0; i < Count; i++)
            counts[Label(i)]++;
        return counts;
    }

    /// <summary>Some of the images, in the given order; the pixels are shared, ids stay.</summary>
    /// <param name="indices">Positions in this set.</param>
    /// <param name="name">The subset's name.</param>
    /// <exception cref="ArgumentOutOfRangeException">A position that this set does not have.</exception>
    public ImageSet Subset(ReadOnlySpan<int> indices, string name)
    {
        var ids = new int[indices.Length];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = Id(Checked(indices[i]));
        return new ImageSet(name, _pixels, _labels, ids, Height, Width, Channels, _classNames, _notes);
    }

    /// <summary>The images of this set, then those of another. Subsets of one set share their pixels and keep their ids.</summary>
    /// <param name="other">Images of the same size and classes.</param>
    /// <param name="name">The name of both together.</param>
    /// <exception cref="UsageException">The sizes or classes differ.</exception>
    public ImageSet Join(ImageSet other, string name)
    {
        ArgumentNullException.ThrowIfNull(other);
        if ((other.Height, other.Width, other.Channels) != (Height, Width, Channels) || !other._classNames.AsSpan().SequenceEqual(_classNames))
            throw new UsageException($"join: got {this} and {other}, wants images of one size and the same classes");
        if (ReferenceEquals(_pixels, other._pixels))
            return new ImageSet(name, _pixels, _labels, [.. Enumerable.Range(0, Count).Select(Id), .. Enumerable.Range(0, other.Count).Select(other.Id)], Height, Width, Channels, _classNames, _notes);
        var size = ((long)Count + other.Count) * ImageSize;
        if (!IsInMemory || !other.IsInMemory || (HasOriginals && other.HasOriginals) || size > Array.MaxLength)
            return new ImageSet(name, new PixelsOfTwo(this, other), [.. Labels(), .. other.Labels()], null, Height, Width, Channels, _classNames, _notes);
        var pixels = new byte[size];
        for (var i = 0; i < Count; i++)
            Pixels(i).CopyTo(pixels.AsSpan(i * ImageSize));
        for (var i = 0; i < other.Count; i++)
            other.Pixels(i).CopyTo(pixels.AsSpan((Count + i) * ImageSize));
        return new ImageSet(name, new PixelArray(pixels, ImageSize), [.. Labels(), .. other.Labels()], null, Height, Width, Channels, _classNames, _notes);
    }

    /// <summary>This set, or a copy of it in a larger frame: black pixels around (an odd one goes below and right), grey repeated
    /// into every channel. The copy of a subset has ids of its own: fit the whole set first.</summary>
    /// <param name="height">Rows wanted.</param>
    /// <param name="width">Columns wanted.</param>
    /// <param name="channels">Channels wanted.</param>
    /// <exception cref="UsageException">The images are larger than that, less than half as high or wide, or would have to lose or invent colour.</exception>
    public ImageSet Fit(int height, int width, int channels)
    {
        if ((height, width, channels) == (Height, Width, Channels))
            return this;
        if (height < Height || width < Width || (channels != Channels && Channels != 1))
            throw new UsageException($"images of '{Name}' are [{Height}, {Width}, {Channels}] and cannot be padded or repeated to [{height}, {width}, {channels}]; choose a model for their size, or resize them (--resize stretch)");
        if (height > 2L * Height || width > 2L * Width)
            throw new UsageException($"images of '{Name}' are [{Height}, {Width}, {Channels}]: in a frame of [{height}, {width}] most would be black; choose a model for their size (--image-size), or resize them (--resize stretch)");
        var size = (long)Count * height * width * channels;
        if (size > Array.MaxLength)
            throw new EscException(ErrorCode.OutOfResources, $"images of '{Name}': {Count} of [{height}, {width}, {channels}] take {size} bytes, one set may have {Array.MaxLength}");
        var pixels = new byte[size];
        int top = (height - Height) / 2, left = (width - Width) / 2;
        for (var i = 0; i < Count; i++)
        {
            var from = Pixels(i);
            for (var y = 0; y < Height; y++)
            {
                var row = from.Slice(y * Width * Channels, Width * Channels);
                var to = pixels.AsSpan((((((i * height) + top + y) * width) + left) * channels), Width * channels);
                if (channels == Channels)
                {
                    row.CopyTo(to);
                    continue;
                }

                for (var x = 0; x < Width; x++)
                    to.Slice(x * channels, channels).Fill(row[x]);
            }
        }

        return new ImageSet(Name, pixels, Labels(), height, width, channels, _classNames, _notes);
    }

    /// <summary>SHA-256 of the images and labels in order: equal for equal content, whatever file it came from.</summary>
    /// <remarks>Over <c>escnative.images/1\n</c>, then count, height, width, channels as 32-bit little-endian integers, then for
    /// every image its label (32 bits) and its pixels [height, width, channels]. Names and ids do not count.</remarks>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public string ContentHash() => _contentHash ??= ComputeContentHash();

    private string ComputeContentHash()
    {
        const int batch = 64;
        using var hash = new ContentHasher(Count, Height, Width, Channels);
        using var pixels = new BatchPixels(this);
        for (var start = 0; start < Count; start += batch)
        {
            int[] indices = [.. Enumerable.Range(start, Math.Min(batch, Count - start))];
            var next = start + indices.Length;
            pixels.Load(indices, IsInMemory ? [] : [.. Enumerable.Range(next, Math.Min(batch, Count - next))]);
            for (var i = 0; i < indices.Length; i++)
                hash.Add(Label(start + i), pixels[i]);
        }

        return hash.Finish();
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Count} images [{Height}, {Width}, {Channels}], {_classNames.Length} classes";

    private int Checked(int index) => (uint)index < (uint)Count
        ? index
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"image set '{Name}' has {Count} images");
}
