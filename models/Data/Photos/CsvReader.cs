using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Reads rows of a table with commas: fields in quotation marks may hold commas, line ends and doubled marks.</summary>
internal static class CsvReader
{
    private const int MaximumFile = 256 << 20;
    private const int MaximumFields = 256;

    private static readonly UTF8Encoding Strict = new(false, true);

    /// <summary>One row.</summary>
    /// <param name="Line">The number of its first line, from 1.</param>
    /// <param name="Offset">Where it begins in the file.</param>
    /// <param name="Fields">Its fields; blanks around those without quotation marks are gone.</param>
    public readonly record struct Row(int Line, long Offset, string[] Fields);

    /// <summary>The rows of a file, without those that are blank.</summary>
    /// <exception cref="DataFormatException">It cannot be read, is no UTF-8, or has a quotation mark that is not closed or that text follows.</exception>
    public static List<Row> Read(string path)
    {
        var content = InputFile.ReadAll(path, MaximumFile);
        var text = InputFile.WithoutByteOrderMark(content, path).Span;
        var mark = content.Length - text.Length;
        var rows = new List<Row>();
        var fields = new List<string>();
        var (at, line) = (0, 1);
        while (at < text.Length)
        {
            var (start, first) = (at, line);
            fields.Clear();
            while (true)
            {
                fields.Add(Field(path, text, ref at, ref line, mark));
                if (fields.Count > MaximumFields)
                    throw new DataFormatException(path, mark + start, $"line {first}: has more than {MaximumFields} fields; is it a table with commas?");
                if (at < text.Length && text[at] == ',')
                {
                    at++;
                    continue;
                }

                break;
            }

            if (at < text.Length)
            {
                at++;
                line++;
            }

            if (fields.Count > 1 || fields[0].Length > 0)
                rows.Add(new Row(first, mark + start, [.. fields]));
        }

        return rows;
    }

    // Leaves the place at a comma, a line end or the end.
    private static string Field(string path, ReadOnlySpan<byte> text, ref int at, ref int line, int mark)
    {
        while (at < text.Length && text[at] is ((byte)' ' or (byte)'\t'))
            at++;
        if (at == text.Length || text[at] != '"')
        {
            var length = text[at..].IndexOfAny((byte)',', (byte)'\n');
            var plain = text.Slice(at, length < 0 ? text.Length - at : length);
            at += plain.Length;
            return Decode(path, plain.TrimEnd(" \t\r"u8), line, mark + at - plain.Length);
        }

        var (start, first) = (++at, line);
        var doubled = false;
        while (true)
        {
            var next = text[at..].IndexOf((byte)'"');
            if (next < 0)
                throw new DataFormatException(path, mark + start - 1, $"line {first}: the quotation mark is not closed");
            line += text.Slice(at, next).Count((byte)'\n');
            at += next + 1;
            if (at == text.Length || text[at] != '"')
                break;
            doubled = true;
            at++;
        }

        var inside = Decode(path, text[start..(at - 1)], first, mark + start);
        while (at < text.Length && text[at] is ((byte)' ' or (byte)'\t' or (byte)'\r'))
            at++;
        return at == text.Length || text[at] is (byte)',' or (byte)'\n'
            ? doubled ? inside.Replace("\"\"", "\"", StringComparison.Ordinal) : inside
            : throw new DataFormatException(path, mark + at, $"line {line}: text follows a closing quotation mark; wants a comma or the end of the line");
    }

    private static string Decode(string path, ReadOnlySpan<byte> bytes, int line, long offset)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException cause)
        {
            throw new DataFormatException(path, offset, $"line {line}: is no UTF-8 text", cause);
        }
    }
}
