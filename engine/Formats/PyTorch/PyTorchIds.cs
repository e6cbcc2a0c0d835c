using System.Globalization;

namespace EscNative.Engine.Formats;

/// <summary>What the persistent ids of a checkpoint's pickle mean: storages, and in old files the classes of whole modules.</summary>
internal sealed class PyTorchIds(string file)
{
    private const int MaximumKey = 256;

    private readonly Dictionary<string, PickleStorage> _roots = new(StringComparer.Ordinal);

    /// <summary>The records that the pickle speaks of, by their names.</summary>
    public IReadOnlyDictionary<string, PickleStorage> Storages => _roots;

    /// <exception cref="DataFormatException">It is none of PyTorch's, or disagrees with what was said of the same record before.</exception>
    public object Resolve(PickleTuple id, long at)
    {
        switch (id.Items)
        {
            case ["module", PickleGlobal type, ..]:
                // The other items are the source text of the class, with the paths of whoever wrote it.
                return type;
            case ["storage", var type, var key, string, long count, .. var rest] when key is string or long && rest.Length <= 1:
                var name = key as string ?? ((long)key!).ToString(CultureInfo.InvariantCulture);
                if (name.Length > MaximumKey || name.Any(char.IsControl))
                    throw Bad(at, $"a storage is called '{Shown(name)}', of {name.Length} characters; at most {MaximumKey} are accepted, and no control characters");
                var storage = Root(name, type, count, at);
                return rest is [PickleTuple view] ? Part(storage, view, at) : rest is [] or [null] ? storage : throw Bad(at, $"the view of a storage is {PickleNode.Describe(rest[0])}");
            default:
                throw Bad(at, "a persistent id that is neither a storage's nor a module's");
        }
    }

    private PickleStorage Root(string key, object? type, long count, long at)
    {
        if (TorchType.OfStorage(type) is not { } elements)
            throw Bad(at, $"storage '{Shown(key)}' is of {PickleNode.Describe(type)}, which is no storage that is known");
        if (count is < 0 or > long.MaxValue / 16)
            throw Bad(at, $"storage '{Shown(key)}' has {count} elements, wants 0 or more, and no more than a file can hold");
        if (!_roots.TryGetValue(key, out var known))
        {
            known = new PickleStorage(key, elements, count, at);
            _roots.Add(key, known);
        }

        return known.Type == elements && known.Count == count
            ? known
            : throw Bad(at, $"storage '{Shown(key)}' has {count} elements of {elements.Name} here, and {known.Count} of {known.Type.Name} at byte {known.At}");
    }

    private PickleStorage Part(PickleStorage root, PickleTuple view, long at) =>
        view.Items is [string or long, long and >= 0 and var offset, long and >= 0 and var size] && offset <= root.Count && size <= root.Count - offset
            ? new PickleStorage(root.Key, root.Type, size, at) { Skipped = offset }
            : throw Bad(at, $"a view of storage '{Shown(root.Key)}' does not lie within its {root.Count} elements");

    private static string Shown(string key) => new([.. key.Take(40).Select(c => char.IsControl(c) ? '?' : c)]);

    private DataFormatException Bad(long at, string rule) => new(file, at, rule);
}
