namespace EscNative.Models.Data;

/// <summary>Names in the order of their code points, as Python sorts: what lies beyond 16 bits comes last, which UTF-16 units do not say.</summary>
internal sealed class CodePointOrder : IComparer<string>
{
    public static CodePointOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (x ?? "", y ?? "");
        var same = a.AsSpan().CommonPrefixLength(b);
        return same == a.Length || same == b.Length ? a.Length - b.Length : Rank(a[same]) - Rank(b[same]);
    }

    // Surrogates above everything else.
    private static int Rank(char c) => c < 0xD800 ? c : c >= 0xE000 ? c - 0x800 : c + 0x2000;
}
