using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>What is to be forgotten: whole classes, or single training images.</summary>
public sealed class ForgetRequest
{
    private const int MaximumFileSize = 256 << 20;

    private readonly int[] _classes;
    private readonly int[] _indices;

    private ForgetRequest(int[] classes, int[] indices)
    {
        _classes = classes;
        _indices = indices;
    }

    /// <summary>The classes, ascending; empty for a request by images.</summary>
    public ReadOnlySpan<int> Classes => _classes;

    /// <summary>The training images by their ids, ascending; empty for a request by classes.</summary>
    public ReadOnlySpan<int> Indices => _indices;

    /// <summary>The people whose images these are, where the request names them; else null.</summary>
    public string? Subjects { get; private init; }

    /// <summary>Whether whole classes are to be forgotten.</summary>
    public bool IsByClass => _classes.Length > 0;

    /// <summary>A request for whole classes.</summary>
    /// <param name="classes">Class numbers.</param>
    /// <exception cref="UsageException">None, a negative one, or one twice.</exception>
    public static ForgetRequest ForClasses(params ReadOnlySpan<int> classes) => new(Checked(classes, "forget classes"), []);

    /// <summary>A request for single training images.</summary>
    /// <param name="indices">Positions in the training set.</param>
    /// <exception cref="UsageException">None, a negative one, or one twice.</exception>
    public static ForgetRequest ForIndices(params ReadOnlySpan<int> indices) => new([], Checked(indices, "forget indices"));

    /// <summary>One request for everything that several requests name.</summary>
    /// <param name="requests">All by classes, or all by images.</param>
    /// <exception cref="UsageException">None, some of either kind, or something that two of them name.</exception>
    public static ForgetRequest Union(IReadOnlyList<ForgetRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0 || requests.Any(r => r.IsByClass != requests[0].IsByClass))
            throw new UsageException($"forget requests: got {requests.Count(r => r.IsByClass)} by class and {requests.Count(r => !r.IsByClass)} by image; wants one or more of one kind");
        return requests[0].IsByClass
            ? ForClasses([.. requests.SelectMany(r => r._classes)])
            : ForIndices([.. requests.SelectMany(r => r._indices)]);
    }

    /// <summary>A request for classes as written on a command line: <c>4</c>, <c>4,14,24</c>, or names as <c>deer,cat</c>.
    /// Where the names are labels themselves, 1 to 26 say, a number is the label.</summary>
    /// <param name="text">Numbers or names, separated by commas.</param>
    /// <param name="classNames">The names of the data set.</param>
    /// <exception cref="UsageException">An unknown class, or one twice.</exception>
    public static ForgetRequest ParseClasses(string text, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(classNames);
        var classes = new List<int>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
            classes.Add(ParseClass(part, classNames));
        return ForClasses(classes.ToArray());
    }

    /// <summary>A request for every training image of some people: <c>anna</c>, <c>anna,bob</c>.</summary>
    /// <param name="text">Names as the data has them, separated by commas.</param>
    /// <param name="data">The data.</param>
    /// <exception cref="UsageException">The data names nobody, or not this one.</exception>
    public static ForgetRequest ParseSubjects(string text, DataSet data)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(data);
        if (data.Subjects is not { } subjects)
            throw new UsageException($"forget subject: {data.Name} does not say whom an image shows (a table path,label,subject does); where each class is a person, name the class");
        var indices = new List<int>();
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var before = indices.Count;
            for (var i = 0; i < data.Train.Count; i++)
            {
                if (name.Length > 0 && subjects[data.Train.Id(i)] == name)
                    indices.Add(data.Train.Id(i));
            }

            if (indices.Count == before)
            {
                string[] known = [.. subjects.Where(subject => subject.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
                throw new UsageException($"forget subject: got '{name}', {data.Name} has training images of {string.Join(", ", known.Take(12))}{(known.Length > 12 ? ", ..." : "")}");
            }
        }

        return new ForgetRequest([], Checked([.. indices], "forget subject")) { Subjects = string.Join(", ", text.Split(',', StringSplitOptions.TrimEntries)) };
    }

    /// <summary>A request for training images from a file: one number a line; blank lines and text after <c>#</c> are ignored.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trainImages">The number of training images.</param>
    /// <exception cref="DataFormatException">Not a number, out of range, or twice: with the line's number and offset.</exception>
    public static ForgetRequest ReadIndices(string path, int trainImages)
    {
        var content = InputFile.ReadAll(path, MaximumFileSize);
        var text = InputFile.WithoutByteOrderMark(content, path);
        var bytes = text.Span;
        var mark = content.Length - text.Length;
        var lines = new Dictionary<int, int>();
        int offset = 0, number = 0;
        foreach (var range in bytes.Split((byte)'\n'))
        {
            number++;
            offset = mark + range.Start.Value;
            var line = bytes[range];
            if (line.IndexOf((byte)'#') is var comment and >= 0)
                line = line[..comment];
            line = line.Trim(" \t\r"u8);
            if (line.IsEmpty)
                continue;
            if (!int.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
                throw new DataFormatException(path, offset, $"line {number}: '{Printable(line)}' is not a whole number");
            if (index < 0 || index >= trainImages)
                throw new DataFormatException(path, offset, $"line {number}: {index} is out of range; the training set has images 0 to {trainImages - 1}");
            if (!lines.TryAdd(index, number))
                throw new DataFormatException(path, offset, $"line {number}: {index} already stands in line {lines[index]}");
        }

        return lines.Count > 0
            ? ForIndices([.. lines.Keys])
            : throw new DataFormatException(path, 0, "names no image; wants one number a line");
    }

    /// <summary>The request with every number in it, for records that must tell requests apart.</summary>
    public string Describe() => (IsByClass ? "classes " : "images ") + string.Join(',', IsByClass ? _classes : _indices);

    /// <summary>The request with the names of the people, for whoever made it.</summary>
    public string WithNames() => Subjects is null ? ToString() : $"{this} of {Subjects}";

    /// <inheritdoc/>
    // Records are kept in models and files: the people whom they forget are not named there.
    public override string ToString() => IsByClass
        ? $"class{(_classes.Length == 1 ? "" : "es")} {string.Join(", ", _classes)}"
        : $"{_indices.Length} training image{(_indices.Length == 1 ? "" : "s")}";

    private static int ParseClass(string part, IReadOnlyList<string> names)
    {
        var whole = int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        // A set without some labels has classes whose positions are other numbers than their names.
        var labels = names.All(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        if (whole && !labels && number < names.Count)
            return number;
        for (var i = 0; i < names.Count; i++)
        {
            if (string.Equals(names[i], part, StringComparison.OrdinalIgnoreCase))
                return i;
        }

        var some = string.Join(", ", names.Take(12)) + (names.Count > 12 ? ", ..." : "");
        throw new UsageException(labels && names[^1] != (names.Count - 1).ToString(CultureInfo.InvariantCulture)
            ? $"forget class: got '{part}', wants one of {some}"
            : $"forget class: got '{part}', wants 0 to {names.Count - 1} or a name ({some})");
    }

    private static int[] Checked(ReadOnlySpan<int> numbers, string what)
    {
        if (numbers.IsEmpty)
            throw new UsageException($"{what}: got none, wants one or more");
        var sorted = numbers.ToArray();
        Array.Sort(sorted);
        if (sorted[0] < 0)
            throw new UsageException($"{what}: got {sorted[0]}, wants 0 or more");
        for (var i = 1; i < sorted.Length; i++)
        {
            if (sorted[i] == sorted[i - 1])
                throw new UsageException($"{what}: {sorted[i]} is given twice");
        }

        return sorted;
    }

    private static string Printable(ReadOnlySpan<byte> line)
    {
        var text = System.Text.Encoding.UTF8.GetString(line[..Math.Min(line.Length, 40)]);
        return string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
    }
}
