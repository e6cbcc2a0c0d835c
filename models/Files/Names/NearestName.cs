namespace EscNative.Models;

/// <summary>"Nearest there": the name that one may have meant.</summary>
internal static class NearestName
{
    // Longer names are cut, and of more names the first are looked at: a message is not worth more time.
    private const int Longest = 128;
    private const int Most = 4096;

    /// <summary>The name nearest to another one, or null where none is near.</summary>
    /// <param name="name">The name.</param>
    /// <param name="known">Those that there are.</param>
    public static string? Of(string name, IEnumerable<string> known)
    {
        var best = known.Take(Most).Select(k => (Name: k, Distance: Distance(name, k))).OrderBy(k => k.Distance).FirstOrDefault();
        return best.Name is not null && best.Distance <= Math.Max(3, name.Length / 2) ? best.Name : null;
    }

    // Insertions, deletions and replacements.
    private static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        a = a[..Math.Min(a.Length, Longest)];
        b = b[..Math.Min(b.Length, Longest)];
        Span<int> row = stackalloc int[Longest + 1];
        for (var j = 0; j <= b.Length; j++)
            row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
