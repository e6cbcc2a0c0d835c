using System.Text;

namespace EscNative.Bench.Cli;

/// <summary>Text from files (names of classes, tensors, paths) made safe for a terminal.</summary>
internal static class PlainText
{
    /// <summary>The text with every control character replaced, so that a file cannot drive the user's terminal.</summary>
    public static string Of(string text)
    {
        if (!text.Any(Unsafe))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var c in text)
            clean.Append(Unsafe(c) ? '\uFFFD' : c);
        return clean.ToString();
    }

    // C0 and C1 controls, and the characters that reorder or hide text (bidirectional controls, zero width).
    private static bool Unsafe(char c) =>
        char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF' || c is >= '\u200B' and <= '\u200F' || c is >= '\u202A' and <= '\u202E'
        || c is >= '\u2066' and <= '\u2069';
}
