namespace EscNative.Models.Data;

/// <summary>Names in the order in which people count: s2 before s10.</summary>
internal sealed class NaturalOrder : IComparer<string>
{
    public static NaturalOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (x ?? "", y ?? "");
        int i = 0, j = 0;
        while (i < a.Length && j < b.Length)
        {
            if (char.IsAsciiDigit(a[i]) && char.IsAsciiDigit(b[j]))
            {
                var first = Digits(a, ref i);
                var second = Digits(b, ref j);
                var order = first.Length != second.Length ? first.Length - second.Length : first.SequenceCompareTo(second);
                if (order != 0)
                    return order;
                continue;
            }

            if (a[i] != b[j])
                return a[i] - b[j];
            i++;
            j++;
        }

        var rest = (a.Length - i) - (b.Length - j);
        // Names that differ in leading zeros only still have one order.
        return rest != 0 ? rest : string.CompareOrdinal(a, b);
    }

    // A run of digits without its leading zeros.
    private static ReadOnlySpan<char> Digits(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return text.AsSpan(start, at - start).TrimStart('0');
    }
}
