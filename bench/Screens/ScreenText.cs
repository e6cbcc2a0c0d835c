using EscNative.Bench.Cli;
using Spectre.Console.Rendering;

namespace EscNative.Bench.Screens;

/// <summary>Text in columns of a terminal: what is cut, filled and wrapped is counted in its cells.</summary>
internal static class ScreenText
{
    /// <summary>How many cells a text takes.</summary>
    public static int Cells(string text) => new Segment(text).CellCount();

    /// <summary>A text with spaces behind it, cut where it is longer.</summary>
    public static string Left(string text, int cells)
    {
        var cut = Cut(text, cells);
        return cut + new string(' ', cells - Cells(cut));
    }

    /// <summary>A text with spaces before it, cut where it is longer.</summary>
    public static string Right(string text, int cells)
    {
        var cut = Cut(text, cells);
        return new string(' ', cells - Cells(cut)) + cut;
    }

    /// <summary>A text of at most so many cells; three points stand for what is missing.</summary>
    public static string Cut(string text, int cells)
    {
        if (Cells(text) <= cells)
            return text;
        var kept = text.Length;
        while (kept > 0 && Cells(text[..kept]) > cells - 3)
            kept--;
        // Half of a character is none.
        if (kept > 0 && char.IsHighSurrogate(text[kept - 1]))
            kept--;
        return text[..kept].TrimEnd() + new string('.', Math.Clamp(cells, 0, 3));
    }

    /// <summary>A text in lines of at most so many cells, broken between words; a word that is longer is cut in two.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cells">The width.</param>
    /// <param name="indent">Spaces before every line but the first.</param>
    public static IEnumerable<string> Wrap(string text, int cells, int indent = 0)
    {
        var line = "";
        var margin = new string(' ', indent);
        var first = true;
        foreach (var word in Words(text, Math.Max(1, cells - indent)))
        {
            var longer = line.Length == 0 ? (first ? "" : margin) + word : $"{line} {word}";
            if (line.Length > 0 && Cells(longer) > cells)
            {
                yield return line;
                first = false;
                longer = margin + word;
            }

            line = longer;
        }

        if (line.Length > 0)
            yield return line;
    }

    // The first word keeps the spaces before it: they are the line's indent.
    private static IEnumerable<string> Words(string text, int longest)
    {
        var start = text.Length - text.TrimStart(' ').Length;
        var words = text[start..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < words.Length; i++)
        {
            var word = i == 0 ? new string(' ', start) + words[i] : words[i];
            while (Cells(word) > longest && word.Length > 1)
            {
                var kept = word.Length - 1;
                while (kept > 1 && Cells(word[..kept]) > longest)
                    kept--;
                yield return word[..kept];
                word = word[kept..];
            }

            yield return word;
        }
    }

    /// <summary>A share as a bar.</summary>
    /// <param name="share">0 to 1.</param>
    /// <param name="cells">The width of the whole.</param>
    /// <param name="unicode">Whether the terminal shows block characters.</param>
    public static string Bar(double share, int cells, bool unicode)
    {
        var filled = Math.Clamp((int)Math.Round(share * cells), share > 0 ? 1 : 0, cells);
        return new string(unicode ? '█' : '#', filled) + new string(unicode ? '░' : '.', cells - filled);
    }

    /// <summary>Text from a file or a name, safe to print.</summary>
    public static string Safe(string text) => PlainText.Of(text);
}
