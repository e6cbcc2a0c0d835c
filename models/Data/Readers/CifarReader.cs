using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>
/// Reads CIFAR-10 and CIFAR-100 in the official binary layout, from a folder or from the official <c>.tar.gz</c>. Any whole
/// number of records is accepted; a number other than the official one becomes a note of the set.
/// </summary>
public static class CifarReader
{
    private const string Archive10 = "cifar-10-batches-bin/";
    private const string Archive100 = "cifar-100-binary/";

    // Records decoded at a time.
    private const int Chunk = 256;

    /// <summary>Reads a folder with <c>data_batch_*.bin</c> and <c>test_batch.bin</c> (CIFAR-10), or <c>train*.bin</c> and
    /// <c>test*.bin</c> (CIFAR-100).</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="level">Which label of CIFAR-100 is the class.</param>
    /// <exception cref="DataFormatException">No such files, a truncated record, or a label out of range: with file and offset.</exception>
    public static DataSet ReadFolder(string folder, LabelLevel level = LabelLevel.Fine)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
            throw new DataFormatException(folder, null, "the folder does not exist");
        return TryReadFolder(folder, level)
            ?? throw new DataFormatException(folder, null, "has neither data_batch_*.bin (CIFAR-10) nor train*.bin (CIFAR-100)");
    }

    /// <summary>Reads <c>cifar-10-binary.tar.gz</c> or <c>cifar-100-binary.tar.gz</c> as they are downloaded. Entries are read in
    /// memory by their exact official names; nothing is extracted, everything else in the archive is skipped.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="level">Which label of CIFAR-100 is the class.</param>
    /// <exception cref="DataFormatException">Not such an archive, or damaged: with file and offset.</exception>
    public static DataSet ReadArchive(string archive, LabelLevel level = LabelLevel.Fine)
    {
        var parts = new SortedDictionary<string, ImageBuilder>(StringComparer.Ordinal);
        var names = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var python = false;
        using var file = InputFile.Open(archive);
        var passed = TarArchive.ForEach(file, archive, (name, content) =>
        {
            python |= name.StartsWith("cifar-10-batches-py/", StringComparison.Ordinal) || name.StartsWith("cifar-100-python/", StringComparison.Ordinal);
            var inner = $"{archive}!{name}";
            if (NamesFile(name) is { } count)
            {
                if (!names.TryAdd(name, ReadNames(content, inner, count)))
                    throw new DataFormatException(archive, null, $"two entries are called '{name}'");
            }
            else if (LayoutOf(name) is { } layout)
            {
                var images = new ImageBuilder(CifarLayout.ImageSize);
                Decode(content, inner, layout, level, images);
                if (!parts.TryAdd(name, images))
                    throw new DataFormatException(archive, null, $"two entries are called '{name}'");
            }
        });

        var is10 = parts.Keys.Any(name => name.StartsWith(Archive10, StringComparison.Ordinal));
        if (parts.Count == 0 || (is10 && parts.Keys.Any(name => !name.StartsWith(Archive10, StringComparison.Ordinal))))
        {
            throw new DataFormatException(archive, null, python
                ? "is the Python version of CIFAR; download the binary version (cifar-10-binary.tar.gz or cifar-100-binary.tar.gz)"
                : $"is not the official archive of one CIFAR set: no '{Archive10}data_batch_1.bin' and no '{Archive100}train.bin' in it{(passed > 0 ? $" ({PassedOver(passed)})" : "")}");
        }

        var set = is10 ? CifarLayout.Cifar10 : CifarLayout.Cifar100;
        var test = is10 ? $"{Archive10}test_batch.bin" : $"{Archive100}test.bin";
        if (!parts.Remove(test, out var testImages))
            throw new DataFormatException(archive, null, $"has no '{test}': the archive is incomplete");
        if (parts.Count == 0)
            throw new DataFormatException(archive, null, "has no training images: the archive is incomplete");
        var train = new ImageBuilder(CifarLayout.ImageSize, parts.Values.Sum(p => (long)p.Count));
        foreach (var part in parts.Values)
            train.Add(part);
        return Assemble(set, level, train, testImages, names.GetValueOrDefault((is10 ? Archive10 : Archive100) + NamesFileOf(set, level)),
            passed > 0 ? [$"{set.Name}: {PassedOver(passed)}"] : []);
    }

    private static string PassedOver(int count) =>
        count == 1 ? "1 entry of the archive is a link, a device or the like and was passed over" : $"{count} entries of the archive are links, devices or the like and were passed over";

    /// <summary>Whether file names say that a CIFAR set lies here.</summary>
    internal static bool IsFolder(string folder) =>
        Array.FindAll(HiddenEntries.Files(folder), file => file.EndsWith(".bin", StringComparison.Ordinal)) is var files && (Matching(files, "data_batch").Length > 0 || Matching(files, "train").Length > 0);

    /// <summary>Whether a file's name is one of such a set.</summary>
    internal static bool IsPart(string name) =>
        name.EndsWith(".bin", StringComparison.Ordinal) || name is "batches.meta.txt" or "fine_label_names.txt" or "coarse_label_names.txt";

    /// <summary>Null where the folder holds no CIFAR files.</summary>
    internal static DataSet? TryReadFolder(string folder, LabelLevel level)
    {
        var files = Array.FindAll(HiddenEntries.Files(folder), file => file.EndsWith(".bin", StringComparison.Ordinal));
        var layout = CifarLayout.Cifar10;
        var train = Matching(files, "data_batch");
        var test = Matching(files, "test_batch");
        if (train.Length == 0)
        {
            layout = CifarLayout.Cifar100;
            train = Matching(files, "train");
            test = Matching(files, "test");
            if (train.Length == 0)
                return null;
        }

        if (test.Length == 0)
            throw new DataFormatException(folder, null, $"has training images of {layout.Name} but no test*.bin");
        var names = Path.Combine(folder, NamesFileOf(layout, level));
        string[]? classes = null;
        if (File.Exists(names))
        {
            using var stream = InputFile.Open(names);
            classes = ReadNames(stream, names, ClassCount(layout, level));
        }

        return Assemble(layout, level, DecodeFiles(train, layout, level), DecodeFiles(test, layout, level), classes, HiddenEntries.Remark(layout.Name, HiddenEntries.Count(folder)));
    }

    private static ImageBuilder DecodeFiles(string[] files, CifarLayout layout, LabelLevel level)
    {
        var images = new ImageBuilder(CifarLayout.ImageSize, files.Sum(f => new FileInfo(f).Length / layout.RecordSize));
        foreach (var file in files)
        {
            using var stream = InputFile.Open(file);
            Decode(stream, file, layout, level, images);
        }

        return images;
    }

    private static void Decode(Stream stream, string file, CifarLayout layout, LabelLevel level, ImageBuilder images)
    {
        var buffer = new byte[Chunk * layout.RecordSize];
        long offset = 0;
        int got;
        do
        {
            got = InputFile.ReadUpTo(stream, buffer, file, offset);
            var whole = got / layout.RecordSize;
            for (var i = 0; i < whole; i++)
                DecodeRecord(buffer.AsSpan(i * layout.RecordSize, layout.RecordSize), file, offset + ((long)i * layout.RecordSize), layout, level, images);
            if (got % layout.RecordSize is var rest and not 0)
                throw new DataFormatException(file, offset + ((long)whole * layout.RecordSize), $"truncated: the last record of {layout.Name} has {rest} of {layout.RecordSize} bytes");
            offset += got;
        }
        while (got == buffer.Length);
        if (offset == 0)
            throw new DataFormatException(file, 0, $"is empty; wants records of {layout.RecordSize} bytes ({layout.Name})");
    }

    private static void DecodeRecord(ReadOnlySpan<byte> record, string file, long offset, CifarLayout layout, LabelLevel level, ImageBuilder images)
    {
        var label = record[0];
        if (layout.LabelBytes == 1)
        {
            CheckLabel(label, CifarLayout.ClassNames10.Length, "label", file, offset);
        }
        else
        {
            CheckLabel(record[0], CifarLayout.CoarseNames.Length, "coarse label", file, offset);
            CheckLabel(record[1], CifarLayout.FineNames.Length, "fine label", file, offset + 1);
            label = record[level == LabelLevel.Fine ? 1 : 0];
        }

        // planes: [3, 1024] -> pixels: [1024, 3]
        const int plane = CifarLayout.Side * CifarLayout.Side;
        var planes = record[layout.LabelBytes..];
        ReadOnlySpan<byte> red = planes[..plane], green = planes.Slice(plane, plane), blue = planes.Slice(2 * plane, plane);
        var pixels = images.Add(label);
        for (int i = 0, to = 0; i < plane; i++, to += 3)
        {
            pixels[to] = red[i];
            pixels[to + 1] = green[i];
            pixels[to + 2] = blue[i];
        }
    }

    private static void CheckLabel(byte label, int classes, string what, string file, long offset)
    {
        if (label >= classes)
            throw new DataFormatException(file, offset, $"{what} {label} is out of range; wants 0 to {classes - 1}");
    }

    private static DataSet Assemble(CifarLayout layout, LabelLevel level, ImageBuilder train, ImageBuilder test, string[]? names, IEnumerable<string> remarks)
    {
        var classes = names ?? (layout == CifarLayout.Cifar10 ? CifarLayout.ClassNames10 : level == LabelLevel.Fine ? CifarLayout.FineNames : CifarLayout.CoarseNames);
        return new DataSet(layout.Name, Build(train, "train", layout.TrainImages, remarks), Build(test, "test", layout.TestImages, []), Normalisation.Half);

        ImageSet Build(ImageBuilder images, string part, int official, IEnumerable<string> others) => images.Build(
            $"{layout.Name} {part}", CifarLayout.Side, CifarLayout.Side, CifarLayout.Channels, classes,
            [
                .. images.Count == official ? (string[])[] : [string.Create(CultureInfo.InvariantCulture, $"{layout.Name} {part}: {images.Count:N0} images; the official set has {official:N0}")],
                .. others,
            ]);
    }

    // The batches in the order of their numbers: data_batch_10 after data_batch_9.
    private static string[] Matching(string[] files, string prefix) =>
    [
        .. files.Where(f => Path.GetFileName(f).StartsWith(prefix, StringComparison.Ordinal))
            .OrderBy(f => Path.GetFileName(f).Length).ThenBy(f => Path.GetFileName(f), StringComparer.Ordinal),
    ];

    private static CifarLayout? LayoutOf(string entry) => entry switch
    {
        $"{Archive10}data_batch_1.bin" or $"{Archive10}data_batch_2.bin" or $"{Archive10}data_batch_3.bin"
            or $"{Archive10}data_batch_4.bin" or $"{Archive10}data_batch_5.bin" or $"{Archive10}test_batch.bin" => CifarLayout.Cifar10,
        $"{Archive100}train.bin" or $"{Archive100}test.bin" => CifarLayout.Cifar100,
        _ => null,
    };

    private static int? NamesFile(string entry) => entry switch
    {
        $"{Archive10}batches.meta.txt" => CifarLayout.ClassNames10.Length,
        $"{Archive100}fine_label_names.txt" => CifarLayout.FineNames.Length,
        $"{Archive100}coarse_label_names.txt" => CifarLayout.CoarseNames.Length,
        _ => null,
    };

    private static string NamesFileOf(CifarLayout layout, LabelLevel level) =>
        layout == CifarLayout.Cifar10 ? "batches.meta.txt" : level == LabelLevel.Fine ? "fine_label_names.txt" : "coarse_label_names.txt";

    private static int ClassCount(CifarLayout layout, LabelLevel level) =>
        layout == CifarLayout.Cifar10 ? CifarLayout.ClassNames10.Length : level == LabelLevel.Fine ? CifarLayout.FineNames.Length : CifarLayout.CoarseNames.Length;

    private static string[] ReadNames(Stream stream, string file, int count)
    {
        const int most = 1 << 16;
        var buffer = new byte[most];
        var got = InputFile.ReadUpTo(stream, buffer, file, 0);
        var text = InputFile.WithoutByteOrderMark(buffer.AsMemory(0, got), file);
        var names = System.Text.Encoding.UTF8.GetString(text.Span).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (got == most || names.Length != count)
            throw new DataFormatException(file, 0, $"holds {names.Length} class names, wants {count}, one a line");
        // They are printed on terminals.
        if (names.Any(name => name.Any(char.IsControl)))
            throw new DataFormatException(file, 0, "a class name holds control characters");
        return names;
    }
}
