using EscNative.Engine.Formats;
using EscNative.Kernels;

namespace EscNative.Models.Data;

/// <summary>Which photos a set has, before any of them is read.</summary>
/// <param name="Name">What the set is called in reports.</param>
/// <param name="Source">The folder or table, for messages.</param>
/// <param name="Classes">The name of every class.</param>
/// <param name="Train">The training photos; all of them where the set has no test part.</param>
/// <param name="Test">The test photos, or null where the set has no such part.</param>
/// <param name="Notes">What a reader of results should know.</param>
internal sealed record PhotoList(
    string Name, string Source, IReadOnlyList<string> Classes, IReadOnlyList<PhotoFile> Train, IReadOnlyList<PhotoFile>? Test, IReadOnlyList<string> Notes)
{
    // Keeps these draws apart from those of a run.
    private const ulong Stream = 0x5048_4F54UL << 32;

    /// <summary>The first classes only.</summary>
    /// <param name="count">How many; 0 takes all.</param>
    /// <exception cref="UsageException">More than there are, or fewer than two.</exception>
    public PhotoList First(int count)
    {
        if (count == 0)
            return this;
        if (count > Classes.Count || count < 2)
            throw new UsageException($"identities: got {count}, {Source} has {Classes.Count}; wants 2 or more of them");
        return this with
        {
            Classes = [.. Classes.Take(count)],
            Train = [.. Train.Where(photo => photo.Label < count)],
            Test = Test is null ? null : [.. Test.Where(photo => photo.Label < count)],
        };
    }

    /// <summary>The same with a test part: a share of every class, drawn by a seed, where there was none.</summary>
    /// <param name="share">The share.</param>
    /// <param name="seed">The seed.</param>
    /// <exception cref="DataFormatException">A class with a single photo.</exception>
    public PhotoList Parted(double share, ulong seed)
    {
        if (Test is not null)
            return this;
        var tested = new bool[Train.Count];
        foreach (var group in Enumerable.Range(0, Train.Count).GroupBy(i => Train[i].Label))
        {
            int[] members = [.. group];
            if (members.Length < 2)
                throw new DataFormatException(Source, null, $"the class '{Classes[group.Key]}' has one photo ({Path.GetFileName(Train[members[0]].Path)}); wants two or more, one of them to test with");
            var order = new RandomSource(seed, Stream + (ulong)group.Key).Permutation(members.Length);
            foreach (var position in order.Take(Math.Clamp((int)(members.Length * share), 1, members.Length - 1)))
                tested[members[position]] = true;
        }

        return this with
        {
            Train = [.. Train.Where((_, i) => !tested[i])],
            Test = [.. Train.Where((_, i) => tested[i])],
            Notes = [.. Notes, FormattableString.Invariant($"{Name}: no part to test with; {share * 100:0.##} % of every class, drawn by the seed {seed}, are the test set")],
        };
    }
}
