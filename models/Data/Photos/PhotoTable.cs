using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Lists the photos of a table <c>path,label,subject,split</c>: with a header in any order, or without one in that order. The last two may be missing.</summary>
/// <remarks>Paths are relative to the table. Classes are sorted: by value where all are whole numbers, else by code point.</remarks>
internal static class PhotoTable
{
    /// <summary>The name of a table that stands for its folder.</summary>
    public const string FileName = "labels.csv";

    private const string Set = "photos";

    private static readonly string[] Paths = ["path", "file", "filename", "file_name", "image", "image_path"];
    private static readonly string[] Labels = ["label", "class", "class_name", "category"];
    private static readonly string[] Subjects = ["subject", "subject_id", "person", "identity"];
    private static readonly string[] Splits = ["split", "part", "subset"];
    private static readonly string[] TestNames = ["test", "testing", "val", "valid", "validation"];

    /// <summary>Whether a file is one by its name.</summary>
    public static bool IsTable(string path) => Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);

    /// <summary>Lists the photos.</summary>
    /// <exception cref="DataFormatException">A row that cannot be used: with its line and offset.</exception>
    public static PhotoList List(string path)
    {
        var rows = CsvReader.Read(path);
        if (rows.Count == 0)
            throw new DataFormatException(path, 0, "is empty; wants rows of path,label or path,label,subject");
        var header = rows[0].Fields.Any(field => Is(field, Paths));
        var (file, label, subject, split) = header ? Columns(path, rows[0]) : (0, 1, 2, 3);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var entries = new List<(string Path, string Label, string? Subject, bool? Test)>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in header ? rows[1..] : rows)
        {
            if (row.Fields.Length <= Math.Max(file, label))
                throw Bad(path, row, $"has {row.Fields.Length} field{(row.Fields.Length == 1 ? "" : "s")}, wants path,label or path,label,subject");
            if (row.Fields[file] is not { Length: > 0 } name || name.Any(char.IsControl))
                throw Bad(path, row, "has no path");
            if (row.Fields[label] is not { Length: > 0 } named)
                throw Bad(path, row, $"has no label for {name}");
            var full = Path.GetFullPath(Path.Combine(folder, name.Replace('\\', Path.DirectorySeparatorChar)));
            if (!seen.TryAdd(full, row.Line))
                throw Bad(path, row, $"names {name}, which stands in line {seen[full]}");
            entries.Add((full, named, Optional(row, subject), Part(path, row, split)));
        }

        if (entries.Count == 0)
            throw new DataFormatException(path, 0, "has a header and no rows");
        var classes = Sorted(entries.Select(e => e.Label).Distinct(StringComparer.Ordinal));
        if (classes.Length < 2)
            throw new DataFormatException(path, null, $"has one class ('{classes[0]}'); wants two or more");
        PhotoFolder.CheckNames(path, classes);
        var numbers = classes.Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i, StringComparer.Ordinal);
        if (entries.Exists(e => e.Test is not null) && entries.FindIndex(e => e.Test is null) is var without and >= 0)
            throw Bad(path, rows[without + (header ? 1 : 0)], "does not say train or test, which other rows say");
        return new PhotoList(
            Set, path, classes, [.. entries.Where(e => e.Test != true).Select(File)], entries[0].Test is null ? null : Tested(path, [.. entries.Where(e => e.Test == true).Select(File)]), []);

        PhotoFile File((string Path, string Label, string? Subject, bool? Test) entry) => new(entry.Path, numbers[entry.Label], entry.Subject);
    }

    private static PhotoFile[] Tested(string path, PhotoFile[] test) =>
        test.Length > 0 ? test : throw new DataFormatException(path, null, "has rows of 'train' only; wants rows to test with, or no such column");

    private static (int File, int Label, int Subject, int Split) Columns(string path, CsvReader.Row header)
    {
        var (file, label) = (Column(Paths), Column(Labels));
        return label >= 0
            ? (file, label, Column(Subjects), Column(Splits))
            : throw Bad(path, header, $"the header has no column '{Labels[0]}'; it has {string.Join(", ", header.Fields.Take(8).Select(Printable))}");

        int Column(string[] names) => Array.FindIndex(header.Fields, field => Is(field, names));
    }

    private static bool? Part(string path, CsvReader.Row row, int column) => Optional(row, column) switch
    {
        null => null,
        var part when part.Equals("train", StringComparison.OrdinalIgnoreCase) || part.Equals("training", StringComparison.OrdinalIgnoreCase) => false,
        var part when Is(part, TestNames) => true,
        var part => throw Bad(path, row, $"says '{Printable(part)}', wants train, test or val"),
    };

    private static string? Optional(CsvReader.Row row, int column) =>
        column >= 0 && column < row.Fields.Length && row.Fields[column] is { Length: > 0 } value ? value : null;

    private static string[] Sorted(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return Array.TrueForAll(all, name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? [.. all.OrderBy(name => int.Parse(name, NumberStyles.None, CultureInfo.InvariantCulture)).ThenBy(name => name, CodePointOrder.Instance)]
            : [.. all.Order(CodePointOrder.Instance)];
    }

    private static bool Is(string field, string[] names) => names.Contains(field, StringComparer.OrdinalIgnoreCase);

    private static DataFormatException Bad(string path, CsvReader.Row row, string rule) => new(path, row.Offset, $"line {row.Line}: {rule}");

    private static string Printable(string text) => string.Concat(text.Take(40).Select(c => char.IsControl(c) ? '?' : c));
}
