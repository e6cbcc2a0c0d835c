using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>Some arrays of another source under other names, or several joined to one; the other source stays its owner's.</summary>
internal sealed class RenamedSource : INamedArraySource
{
    // What DataParallel and torch.compile put before every name.
    private static readonly string[] Wrappers = ["module.", "_orig_mod."];

    private readonly INamedArraySource _inner;
    private readonly Dictionary<string, (string[] Stored, NamedArrayInfo Info)> _names = new(StringComparer.Ordinal);

    private RenamedSource(INamedArraySource inner, IEnumerable<(string Name, string[] Stored)> names)
    {
        _inner = inner;
        foreach (var (name, stored) in names)
        {
            var parts = Array.ConvertAll(stored, s => inner.Find(s)!);
            var shape = parts[0].Shape.ToArray();
            for (var i = 1; i < parts.Length; i++)
                shape[0] = checked(shape[0] + parts[i].Shape[0]);
            _names.Add(name, (stored, new NamedArrayInfo(name, parts[0].TypeName, parts[0].Type, shape, parts.Sum(p => p.Length))));
        }

        Entries = [.. _names.Values.Select(n => n.Info)];
    }

    public string Name => _inner.Name;

    public IReadOnlyList<NamedArrayInfo> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata => _inner.Metadata;

    public IReadOnlyList<string> Remarks => _inner.Remarks;

    /// <summary>The arrays without what DataParallel (<c>module.</c>) and torch.compile (<c>_orig_mod.</c>) put before every name.</summary>
    public static RenamedSource WithoutWrappers(INamedArraySource source)
    {
        var cut = 0;
        while (Wrappers.FirstOrDefault(w => source.Entries.Count > 0 && source.Entries.All(e => e.Name.AsSpan(cut).StartsWith(w, StringComparison.Ordinal) && e.Name.Length > cut + w.Length)) is { } wrapper)
            cut += wrapper.Length;
        return new RenamedSource(source, source.Entries.Select(e => (e.Name[cut..], (string[])[e.Name])));
    }

    /// <summary>The arrays whose names begin with a prefix, without it.</summary>
    public static RenamedSource Under(INamedArraySource source, string prefix) =>
        new(source, source.Entries.Where(e => e.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(e => (e.Name[prefix.Length..], (string[])[e.Name])));

    /// <summary>The arrays under the names that a map gives them; what it does not know keeps its name.</summary>
    /// <returns>Null where two arrays would have one name, or parts of one do not fit together: then the map is not the file's.</returns>
    public static RenamedSource? By(INamedArraySource source, Func<string, NameTarget> rename)
    {
        var order = new List<string>();
        var stored = new Dictionary<string, string?[]>(StringComparer.Ordinal);
        foreach (var entry in source.Entries)
        {
            var target = rename(entry.Name);
            if (target.Name is not { } name)
                continue;
            if (!stored.TryGetValue(name, out var parts))
            {
                parts = new string?[target.Parts];
                stored.Add(name, parts);
                order.Add(name);
            }

            if (parts.Length != target.Parts || parts[target.Part] is not null)
                return null;
            parts[target.Part] = entry.Name;
        }

        return order.All(name => Array.TrueForAll(stored[name], s => s is not null) && Fit(source, stored[name]!))
            ? new RenamedSource(source, order.Select(name => (name, stored[name]!)).Select(n => (n.name, Array.ConvertAll(n.Item2, s => s!))))
            : null;
    }

    /// <summary>What an array is called in the file itself; several names where it was joined of several.</summary>
    public string StoredName(string name) => string.Join(", ", StoredNames(name));

    /// <summary>What the arrays that one is made of are called in the file itself.</summary>
    public IEnumerable<string> StoredNames(string name)
    {
        if (!_names.TryGetValue(name, out var found))
            return [name];
        return _inner is RenamedSource inner ? found.Stored.SelectMany(inner.StoredNames) : found.Stored;
    }

    public NamedArrayInfo? Find(string name) => _names.TryGetValue(name, out var found) ? found.Info : null;

    public NamedArray Read(string name)
    {
        if (!_names.TryGetValue(name, out var found))
            return _inner.Read(name);
        if (found.Stored is [var only])
            return _inner.Read(only);
        var parts = Array.ConvertAll(found.Stored, _inner.Read);
        if (found.Info.Length > Array.MaxLength)
            throw new DataFormatException(Name, null, $"tensor '{name}' has {found.Info.Length} bytes, at most {Array.MaxLength} are read");
        // Along the first dimension the bytes stand one behind another.
        var data = new byte[parts.Sum(p => p.Data.Length)];
        var at = 0;
        foreach (var part in parts)
        {
            part.Data.CopyTo(data.AsMemory(at));
            at += part.Data.Length;
        }

        return new NamedArray(name, parts[0].Type, found.Info.Shape, data);
    }

    public void Dispose()
    {
    }

    private static bool Fit(INamedArraySource source, string?[] names)
    {
        var first = source.Find(names[0]!)!;
        return names.Length == 1 || Array.TrueForAll(names, n => source.Find(n!) is { } part && part.Shape.Length > 0 && part.TypeName == first.TypeName
            && part.Shape[0] < int.MaxValue / names.Length && part.Shape[1..].SequenceEqual(first.Shape[1..]));
    }
}
