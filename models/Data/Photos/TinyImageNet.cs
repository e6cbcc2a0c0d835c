using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Lists photos in the layout of Tiny-ImageNet-200: <c>wnids.txt</c>, <c>words.txt</c>, <c>train</c>, and <c>val</c> with its annotations.</summary>
/// <remarks>Labels are the sorted identifiers, as torchvision's <c>ImageFolder</c> numbers them; loaders that take the order of
/// <c>wnids.txt</c> have others.</remarks>
internal static class TinyImageNet
{
    private const string Set = "Tiny-ImageNet";
    private const string Identifiers = "wnids.txt";
    private const string Words = "words.txt";
    private const string Annotations = "val_annotations.txt";
    private const int MaximumText = 64 << 20;

    /// <summary>Whether a file is one of the texts of the layout.</summary>
    public static bool IsText(string file) => Path.GetFileName(file) is Identifiers or Words or Annotations || file.EndsWith("_boxes.txt", StringComparison.Ordinal);

    /// <summary>Whether the layout lies in a folder.</summary>
    public static bool IsFolder(string folder) => File.Exists(Path.Combine(folder, Identifiers)) && Directory.Exists(Path.Combine(folder, "train"));

    /// <summary>Lists the photos.</summary>
    /// <exception cref="DataFormatException">A class without photos, or a text that says something else than the folders.</exception>
    public static PhotoList List(string folder, IImageDecoder? decoder)
    {
        var path = Path.Combine(folder, Identifiers);
        string[] ids = [.. Lines(path).Select(line => line.Text).Order(CodePointOrder.Instance)];
        if (ids.Length < 2 || ids.Distinct(StringComparer.Ordinal).Count() < ids.Length)
            throw new DataFormatException(path, null, $"names {ids.Distinct(StringComparer.Ordinal).Count()} classes in {ids.Length} lines; wants two or more, each once");
        if (Array.Find(ids, id => !id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) is { } strange)
            throw new DataFormatException(path, null, $"'{Printable(strange)}' is no identifier such as n01443537");
        var scan = new PhotoScan(Set, decoder) { Expected = IsText };
        var train = new List<PhotoFile>();
        for (var label = 0; label < ids.Length; label++)
        {
            var photos = Path.Combine(folder, "train", ids[label]) is var inside && Directory.Exists(inside) ? scan.Photos(inside) : [];
            if (photos.Length == 0)
                throw new DataFormatException(Path.Combine(folder, "train", ids[label]), null, $"has no photos, but {Identifiers} names this class");
            train.AddRange(photos.Select(photo => new PhotoFile(photo, label)));
        }

        scan.Count(folder, HiddenEntries.Files(folder));
        string[] names = Names(folder, ids);
        PhotoFolder.CheckNames(folder, names);
        var notes = new List<string> { $"{Set}: classes are numbered by their sorted identifiers, not in the order of {Identifiers}" };
        var unlabelled = Path.Combine(folder, "test") is var test && Directory.Exists(test) ? scan.Photos(test).Length : 0;
        if (unlabelled > 0)
            notes.Add($"{Set}: {unlabelled} photos in 'test' have no labels and were passed over");
        return new PhotoList(Set, folder, names, train, Validation(folder, ids, scan, notes), [.. notes, .. scan.Remarks()]);
    }

    private static List<PhotoFile> Validation(string folder, string[] ids, PhotoScan scan, List<string> notes)
    {
        var val = Path.Combine(folder, "val");
        var annotations = Path.Combine(val, Annotations);
        var labels = Enumerable.Range(0, ids.Length).ToDictionary(i => ids[i], i => i, StringComparer.Ordinal);
        if (!File.Exists(annotations))
        {
            // Sorted into folders of classes, as many do before they train.
            var sorted = Directory.Exists(val) ? scan.Classes(val) : [];
            if (sorted.Count == 0)
                throw new DataFormatException(annotations, null, "does not exist, and 'val' has no folders of classes");
            return sorted.Find(c => !labels.ContainsKey(c.Name)) is { Name: { } other }
                ? throw new DataFormatException(Path.Combine(val, other), null, $"is no class of {Identifiers}; {Annotations} is missing")
                : [.. sorted.SelectMany(c => c.Photos.Select(photo => new PhotoFile(photo, labels[c.Name])))];
        }

        var test = new List<PhotoFile>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var images = Path.Combine(val, "images");
        foreach (var (number, offset, text) in Lines(annotations))
        {
            var fields = text.Split('\t');
            if (fields.Length < 2 || fields[0].Length == 0 || fields[0].AsSpan().ContainsAny("/\\:\0") || fields[0] == "..")
                throw new DataFormatException(annotations, offset, $"line {number}: wants a file's name, a tab and its class, got '{Printable(text)}'");
            if (!labels.TryGetValue(fields[1], out var label))
                throw new DataFormatException(annotations, offset, $"line {number}: '{Printable(fields[1])}' is no class of {Identifiers}");
            if (!seen.Add(fields[0]))
                throw new DataFormatException(annotations, offset, $"line {number}: {fields[0]} stands in an earlier line");
            test.Add(new PhotoFile(Path.Combine(images, fields[0]), label));
        }

        if (test.Count == 0)
            throw new DataFormatException(annotations, 0, "names no photo");
        var others = Directory.Exists(images) ? scan.Photos(images).Count(photo => !seen.Contains(Path.GetFileName(photo))) : 0;
        if (others > 0)
            notes.Add($"{Set}: {others} photos in 'val' that {Annotations} does not name were passed over");
        return test;
    }

    // The first word of each class; where two have the same, the identifier too.
    private static string[] Names(string folder, string[] ids)
    {
        var path = Path.Combine(folder, Words);
        if (!File.Exists(path))
            return ids;
        var words = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (number, offset, text) in Lines(path))
        {
            var fields = text.Split('\t', 2);
            if (fields.Length < 2)
                throw new DataFormatException(path, offset, $"line {number}: wants an identifier, a tab and words, got '{Printable(text)}'");
            words[fields[0]] = fields[1].Split(',')[0].Trim();
        }

        string[] names = [.. ids.Select(id => words.GetValueOrDefault(id) is { Length: > 0 } word ? word : id)];
        var twice = names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return [.. names.Select((name, i) => twice.Contains(name) ? $"{name} ({ids[i]})" : name)];
    }

    private static IEnumerable<(int Number, long Offset, string Text)> Lines(string path)
    {
        var content = InputFile.ReadAll(path, MaximumText);
        var text = InputFile.WithoutByteOrderMark(content, path);
        var (at, number, mark) = (0, 0, content.Length - text.Length);
        while (at < text.Length)
        {
            number++;
            var rest = text.Span[at..];
            var end = rest.IndexOf((byte)'\n') is var found and >= 0 ? found : rest.Length;
            var line = Encoding.UTF8.GetString(rest[..end]).TrimEnd('\r', ' ');
            if (line.Length > 0)
                yield return (number, mark + at, line);
            at += end + 1;
        }
    }

    private static string Printable(string text) => string.Concat(text.Take(40).Select(c => char.IsControl(c) ? '?' : c));
}
