using System.Buffers.Binary;
using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Reads sets in the IDX format (MNIST, Fashion-MNIST): four files, plain or gzipped, found by their names.</summary>
/// <remarks>A name contains <c>train</c>, <c>t10k</c> or <c>test</c>, and <c>images</c> or <c>labels</c>, and <c>ubyte</c> or
/// <c>idx</c>: as in <c>train-images-idx3-ubyte.gz</c>. Whether a file is gzipped is seen from its first bytes.</remarks>
public static class IdxReader
{
    private const uint ImagesMagic = 0x0803;
    private const uint LabelsMagic = 0x0801;
    private const int FashionClasses = 10;
    private const int Chunk = 1 << 20;

    internal static readonly string[] FashionNames =
        ["t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <summary>Reads a folder.</summary>
    /// <remarks>Classes are the labels that have images, each called as its label.</remarks>
    /// <param name="folder">The folder; <c>fashion</c> in its own name or a file's makes it Fashion-MNIST, with the ten classes and names of that.</param>
    /// <exception cref="DataFormatException">A file is missing, there are two for one part, or one is damaged: with file and
    /// offset (of the unpacked content).</exception>
    public static DataSet ReadFolder(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
            throw new DataFormatException(folder, null, "the folder does not exist");
        return TryReadFolder(folder)
            ?? throw new DataFormatException(folder, null, "has no IDX files (train-images-idx3-ubyte and train-labels-idx1-ubyte, t10k-images-..., t10k-labels-..., plain or .gz)");
    }

    /// <summary>Whether file names say that an IDX set lies here.</summary>
    internal static bool IsFolder(string folder) => HiddenEntries.Files(folder).Any(f => IsIdx(Path.GetFileName(f)));

    /// <summary>Null where the folder holds no IDX files.</summary>
    /// <param name="folder">Where the files lie.</param>
    /// <param name="named">The folder that the user named, where the files lie one deeper.</param>
    internal static DataSet? TryReadFolder(string folder, string? named = null)
    {
        var files = HiddenEntries.Files(folder).Where(f => IsIdx(Path.GetFileName(f))).ToArray();
        if (files.Length == 0)
            return null;
        string trainImages = One("train", "images"), trainLabels = One("train", "labels");
        string testImages = One("t10k", "images"), testLabels = One("t10k", "labels");
        // Not the whole path: what somebody calls the folders above says nothing about these images.
        var fashion = ((string[])[folder, named ?? folder, trainImages, trainLabels, testImages, testLabels])
            .Any(path => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))).Contains("fashion", StringComparison.OrdinalIgnoreCase));
        var name = fashion ? "Fashion-MNIST" : "IDX";
        return Read(
            name, fashion, trainImages, trainLabels, testImages, testLabels, path => InputFile.Open(path), HiddenEntries.Remark(name, HiddenEntries.Count(folder)));

        string One(string part, string what)
        {
            var found = files.Where(f => Path.GetFileName(f) is var name && IsPart(name, part) && name.Contains(what, StringComparison.OrdinalIgnoreCase)).ToArray();
            return found.Length switch
            {
                1 => found[0],
                0 => throw new DataFormatException(folder, null, $"has IDX files but none for {part}-{what}"),
                _ => throw new DataFormatException(folder, null, $"has {found.Length} files for {part}-{what}: {string.Join(", ", found.Select(Path.GetFileName))}; keep one of them"),
            };
        }
    }

    /// <summary>Reads four files, wherever they come from.</summary>
    internal static DataSet Read(
        string name, bool fashion, string trainImages, string trainLabels, string testImages, string testLabels, Func<string, Stream> open,
        IEnumerable<string>? remarks = null)
    {
        var train = ReadPair(trainImages, trainLabels, open, fashion ? FashionClasses : 256);
        var test = ReadPair(testImages, testLabels, open, fashion ? FashionClasses : train.Labels.Max() + 1);
        if ((train.Height, train.Width) != (test.Height, test.Width))
            throw new DataFormatException(testImages, 8, $"images of [{test.Height}, {test.Width}]; the training images are [{train.Height}, {train.Width}]");
        var names = FashionNames;
        if (!fashion)
        {
            int[] labels = [.. train.Labels.Concat(test.Labels).Distinct().Order()];
            if (labels.Length < 2)
                throw new DataFormatException(trainLabels, 8, $"all labels are {labels[0]}; a classifier wants two classes or more");
            names = Array.ConvertAll(labels, label => label.ToString(CultureInfo.InvariantCulture));
            Number(train.Labels, labels);
            Number(test.Labels, labels);
        }

        return new DataSet(name, Build(train, "train", 60_000, remarks ?? []), Build(test, "test", 10_000, []), Normalisation.Half);

        ImageSet Build(Pair pair, string part, int official, IEnumerable<string> others) => new(
            $"{name} {part}", pair.Pixels, pair.Labels, pair.Height, pair.Width, 1, names,
            [
                .. pair.Labels.Length == official ? (string[])[] : [string.Create(CultureInfo.InvariantCulture, $"{name} {part}: {pair.Labels.Length:N0} images; the official set has {official:N0}")],
                .. others,
            ]);
    }

    // From labels to positions among those that occur.
    private static void Number(int[] labels, int[] all)
    {
        for (var i = 0; i < labels.Length; i++)
            labels[i] = Array.BinarySearch(all, labels[i]);
    }

    private static Pair ReadPair(string imagesFile, string labelsFile, Func<string, Stream> open, int classes)
    {
        var (pixels, sizes) = ReadArray(imagesFile, ImagesMagic, 3, open);
        var (bytes, counts) = ReadArray(labelsFile, LabelsMagic, 1, open);
        if (sizes[0] == 0)
            throw new DataFormatException(imagesFile, 4, "holds no image");
        if (sizes[1] == 0 || sizes[2] == 0)
            throw new DataFormatException(imagesFile, 8, $"images of [{sizes[1]}, {sizes[2]}]");
        if (sizes[0] != counts[0])
            throw new DataFormatException(labelsFile, 4, $"holds {counts[0]} labels for {sizes[0]} images of {imagesFile}");
        var labels = new int[bytes.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = bytes[i] < classes
                ? bytes[i]
                : throw new DataFormatException(labelsFile, 8 + i, $"label {bytes[i]} is out of range; wants 0 to {classes - 1}");
        }

        return new Pair(pixels, labels, sizes[1], sizes[2]);
    }

    private static (byte[] Data, int[] Sizes) ReadArray(string file, uint wanted, int rank, Func<string, Stream> open)
    {
        using var raw = open(file);
        using var stream = Unpacked(raw, file);
        var header = new byte[4 + (4 * rank)];
        InputFile.ReadExactly(stream, header.AsSpan(0, 4), file, 0);
        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        if (magic != wanted)
            throw new DataFormatException(file, 0, $"starts with {magic:x8}; an IDX file of {(rank == 3 ? "images" : "labels")} starts with {wanted:x8}");
        InputFile.ReadExactly(stream, header.AsSpan(4), file, 4);
        var sizes = new int[rank];
        long length = 1;
        for (var axis = 0; axis < rank; axis++)
        {
            sizes[axis] = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + (4 * axis)));
            // Two factors below 2^31 each, checked before the third.
            length = sizes[axis] < 0 || length > Array.MaxLength ? long.MaxValue : length * sizes[axis];
            if (length > Array.MaxLength)
                throw new DataFormatException(file, 4 + (4 * axis), $"an array too large to read ({Array.MaxLength} bytes at most)");
        }

        return (ReadContent(stream, file, header.Length, (int)length), sizes);
    }

    // Memory grows with the content, since a header may promise anything.
    private static byte[] ReadContent(Stream stream, string file, int offset, int length)
    {
        var data = new byte[Math.Min(length, Chunk)];
        var filled = 0;
        while (true)
        {
            InputFile.ReadExactly(stream, data.AsSpan(filled), file, offset + filled);
            filled = data.Length;
            if (filled == length)
                break;
            Array.Resize(ref data, (int)Math.Min(length, filled * 2L));
        }

        // Reading to the end also makes gzip check its sum.
        if (InputFile.ReadUpTo(stream, stackalloc byte[1], file, offset + (long)length) != 0)
            throw new DataFormatException(file, offset + (long)length, $"has more than the {length} bytes of data that its header announces");
        return data;
    }

    private static Stream Unpacked(Stream raw, string file)
    {
        Span<byte> start = stackalloc byte[2];
        var got = InputFile.ReadUpTo(raw, start, file, 0);
        raw.Position = 0;
        return got == 2 && GunzipStream.IsGzip(start)
            ? new GunzipStream(raw, file)
            : raw;
    }

    /// <summary>Whether a file's name is one of such a set.</summary>
    internal static bool IsIdx(string name) =>
        (name.Contains("idx", StringComparison.OrdinalIgnoreCase) || name.Contains("ubyte", StringComparison.OrdinalIgnoreCase))
        && (IsPart(name, "train") || IsPart(name, "t10k"))
        && (name.Contains("images", StringComparison.OrdinalIgnoreCase) || name.Contains("labels", StringComparison.OrdinalIgnoreCase));

    private static bool IsPart(string name, string part) => part == "train"
        ? name.Contains("train", StringComparison.OrdinalIgnoreCase)
        : name.Contains("t10k", StringComparison.OrdinalIgnoreCase) || name.Contains("test", StringComparison.OrdinalIgnoreCase);

    private sealed record Pair(byte[] Pixels, int[] Labels, int Height, int Width);
}
