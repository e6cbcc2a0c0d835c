using System.Text.Json;

namespace EscNative.Engine.Formats;

/// <summary>Weights that are cut into several files, read by their index (<c>model.safetensors.index.json</c>): which tensor stands in which file.</summary>
/// <remarks>All files lie beside the index. What it says of them is checked when it is opened: every file exists and has the tensors that it should.</remarks>
public sealed class ShardedFile : INamedArraySource
{
    private const int MostBytes = 64 << 20;
    private const int MostFiles = 4096;
    private const int ShownNames = 3;
    private const string Map = "weight_map";

    private readonly Dictionary<string, (INamedArraySource File, NamedArrayInfo Info)> _places = new(StringComparer.Ordinal);
    private readonly List<INamedArraySource> _files = [];
    private readonly List<string> _remarks = [];

    private ShardedFile(string path) => Name = path;

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedArrayInfo> Entries { get; private set; } = [];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <inheritdoc/>
    public IReadOnlyList<string> Remarks => _remarks;

    /// <summary>Opens the files that an index names.</summary>
    /// <param name="path">The index.</param>
    /// <exception cref="DataFormatException">It is damaged, or a file is missing, damaged, or lacks a tensor that should stand in it.</exception>
    public static ShardedFile Open(string path)
    {
        var index = ReadIndex(path);
        var sharded = new ShardedFile(path);
        try
        {
            foreach (var (name, tensors) in index)
                sharded.Add(name, tensors);
        }
        catch
        {
            sharded.Dispose();
            throw;
        }

        sharded.Entries = [.. index.SelectMany(file => file.Tensors).Select(tensor => sharded._places[tensor].Info)];
        return sharded;
    }

    /// <inheritdoc/>
    public NamedArrayInfo? Find(string name) => _places.TryGetValue(name, out var place) ? place.Info : null;

    /// <inheritdoc/>
    public NamedArray Read(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _places.TryGetValue(name, out var place) ? place.File.Read(name) : throw new DataFormatException(Name, null, $"has no tensor '{name}'");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    /// <summary>Whether a file is such an index, by its name and its first bytes.</summary>
    internal static bool IsIndex(string path, ReadOnlySpan<byte> start)
    {
        var text = start.StartsWith("\uFEFF"u8) ? start[3..] : start;
        text = text.TrimStart(" \t\r\n"u8);
        return text.StartsWith("{"u8) && (path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase) || text.IndexOf("\"weight_map\""u8) >= 0);
    }

    /// <summary>The files that an index names, where they lie.</summary>
    internal static string[] FilesOf(string path) => Array.ConvertAll(ReadIndex(path), file => Beside(path, file.File));

    // The files by their names, and what should stand in each.
    private static (string File, string[] Tensors)[] ReadIndex(string path)
    {
        var content = InputFile.WithoutByteOrderMark(InputFile.ReadAll(path, MostBytes), path);
        var files = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(Map, out var map) || map.ValueKind != JsonValueKind.Object)
                throw new DataFormatException(path, null, $"is no index of weights: wants an object '{Map}' with the file of every tensor");
            foreach (var tensor in map.EnumerateObject())
            {
                if (tensor.Value.ValueKind != JsonValueKind.String || tensor.Value.GetString() is not { } file || !IsPlain(file))
                    throw new DataFormatException(path, null, $"tensor '{Shown(tensor.Name)}' wants the name of a file in the same folder, got {Shown(tensor.Value.GetRawText())}");
                if (!files.TryGetValue(file, out var tensors))
                    files.Add(file, tensors = []);
                tensors.Add(tensor.Name);
                if (files.Count > MostFiles)
                    throw new DataFormatException(path, null, $"names more than {MostFiles} files");
            }
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            // An escape may name half of a character, which is seen where the text is asked for.
            throw new DataFormatException(path, null, $"is no index of weights: {cause.Message}", cause);
        }

        return files.Count > 0 ? [.. files.Select(file => (file.Key, file.Value.ToArray()))] : throw new DataFormatException(path, null, $"'{Map}' names no tensor");
    }

    private static bool IsPlain(string name) =>
        name.Length is > 0 and < 256 && name is not ("." or "..") && name.IndexOfAny(['/', '\\', ':']) < 0 && !name.Any(char.IsControl);

    private static string Beside(string path, string name) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name);

    private static string Shown(string name) => new([.. name.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);

    private void Add(string name, string[] tensors)
    {
        var path = Beside(Name, name);
        if (!File.Exists(path))
            throw new DataFormatException(path, null, $"the file does not exist, and {Path.GetFileName(Name)} has tensors in it (the first is '{Shown(tensors[0])}'): fetch it into the same folder");
        var file = ArrayFile.OpenWhole(path);
        _files.Add(file);
        var lacking = tensors.Where(tensor => file.Find(tensor) is null).ToArray();
        if (lacking.Length > 0)
            throw new DataFormatException(path, null, $"lacks {lacking.Length} tensors that {Path.GetFileName(Name)} has in it (the first is '{Shown(lacking[0])}'): the files belong to different models, or one was saved again");
        foreach (var tensor in tensors)
            _places.Add(tensor, (file, file.Find(tensor)!));
        _remarks.AddRange(file.Remarks.Select(remark => $"{name}: {remark}"));
        var named = tensors.ToHashSet(StringComparer.Ordinal);
        var others = file.Entries.Where(entry => !named.Contains(entry.Name)).Select(entry => Shown(entry.Name)).ToArray();
        if (others.Length > 0)
            _remarks.Add($"{name}: {others.Length} tensors that {Path.GetFileName(Name)} does not have in it were left aside ({string.Join(", ", others.Take(ShownNames))}{(others.Length > ShownNames ? ", ..." : "")}).");
    }
}
