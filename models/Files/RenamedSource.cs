using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>Some arrays of another source under other names; the other source stays its owner's.</summary>
internal sealed class RenamedSource : INamedArraySource
{
    private const string Parallel = "module.";

    private readonly INamedArraySource _inner;
    private readonly Dictionary<string, (string Stored, NamedArrayInfo Info)> _names = new(StringComparer.Ordinal);

    private RenamedSource(INamedArraySource inner, Func<string, bool> include, int cut)
    {
        _inner = inner;
        foreach (var entry in inner.Entries.Where(e => include(e.Name)))
            _names.Add(entry.Name[cut..], (entry.Name, new NamedArrayInfo(entry.Name[cut..], entry.TypeName, entry.Type, entry.Shape, entry.Length)));
        Entries = [.. _names.Values.Select(n => n.Info)];
    }

    public string Name => _inner.Name;

    public IReadOnlyList<NamedArrayInfo> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata => _inner.Metadata;

    /// <summary>The arrays without DataParallel's <c>module.</c>, where all of them have it.</summary>
    public static RenamedSource WithoutParallel(INamedArraySource source) =>
        new(source, _ => true, source.Entries.Count > 0 && source.Entries.All(e => e.Name.StartsWith(Parallel, StringComparison.Ordinal)) ? Parallel.Length : 0);

    /// <summary>The arrays whose names begin with a prefix, without it.</summary>
    public static RenamedSource Under(INamedArraySource source, string prefix) =>
        new(source, name => name.StartsWith(prefix, StringComparison.Ordinal), prefix.Length);

    public NamedArrayInfo? Find(string name) => _names.TryGetValue(name, out var found) ? found.Info : null;

    public NamedArray Read(string name) => _inner.Read(_names.TryGetValue(name, out var found) ? found.Stored : name);

    public void Dispose()
    {
    }
}
