namespace EscNative.Bench.Cli;

/// <summary>"Did you mean": the known name closest to a mistyped one.</summary>
internal static class Suggestion
{
    /// <summary>What to append to an error, or nothing where no name is close.</summary>
    public static string For(string typed, IEnumerable<string> known)
    {
        var best = known.Select(name => (Name: name, Distance: Distance(typed.ToUpperInvariant(), name.ToUpperInvariant()))).MinBy(candidate => candidate.Distance);
        var limit = Math.Max(2, typed.Length / 3);
        return best.Name is not null && best.Distance <= limit ? $". Did you mean '{best.Name}'?" : "";
    }

    // Insertions, deletions, replacements and swaps of two neighbours (optimal string alignment).
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replace, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }

        return d[a.Length, b.Length];
    }
}
