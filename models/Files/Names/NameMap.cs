using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a tensor of a file is called here.</summary>
/// <param name="Name">Its name, or null for one that no model needs.</param>
/// <param name="Part">Which part it is, where several are joined along their first dimension.</param>
/// <param name="Parts">How many are.</param>
internal readonly record struct NameTarget(string? Name, int Part = 0, int Parts = 1);

/// <summary>The names that another library gives the tensors of an architecture that is known here under other ones.</summary>
/// <param name="Source">Whose names they are, in words.</param>
/// <param name="Applies">Whether a file has them.</param>
/// <param name="Rename">A name of the file to one that is known here; itself where the map does not know it.</param>
/// <param name="Normalisation">How those who use these names usually normalise, or null where the architecture tells.</param>
internal sealed record NameMap(string Source, Func<INamedArraySource, bool> Applies, Func<string, NameTarget> Rename, Normalisation? Normalisation = null)
{
    /// <summary>What such models do a little otherwise than the network here, or null.</summary>
    public string? Remark { get; init; }

    // The prefixes under which a network often lies in a training module, such as Lightning's.
    private static readonly string[] Prefixes = ["model.", "net.", "network.", "student.", "encoder.", "backbone."];

    /// <summary>Every map, in the order in which they are tried.</summary>
    public static IReadOnlyList<NameMap> All { get; } = [.. VisionTransformerNames.Maps, .. ResNetNames.Maps];

    /// <summary>The file's tensors under every set of names that may be theirs, as they are first.</summary>
    public static IEnumerable<(RenamedSource Tensors, NameMap? Map)> ViewsOf(INamedArraySource file)
    {
        var plain = RenamedSource.WithoutWrappers(file);
        foreach (var view in Views(plain))
            yield return view;
        foreach (var prefix in Prefixes)
        {
            if (plain.Entries.Count == 0 || !plain.Entries.All(e => e.Name.StartsWith(prefix, StringComparison.Ordinal)))
                continue;
            foreach (var view in Views(RenamedSource.Under(plain, prefix)))
                yield return view;
        }
    }

    private static IEnumerable<(RenamedSource Tensors, NameMap? Map)> Views(RenamedSource tensors)
    {
        yield return (tensors, null);
        foreach (var map in All)
        {
            if (map.Applies(tensors) && RenamedSource.By(tensors, map.Rename) is { } renamed)
                yield return (renamed, map);
        }
    }
}
