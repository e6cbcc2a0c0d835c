using System.Globalization;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>What extended headers say about the next entry of a tar archive: a name or a length that the header has no room for.</summary>
internal sealed class TarAttributes
{
    private string? _all;

    /// <summary>The name, or null where only the header has one.</summary>
    public string? Name { get; private set; }

    /// <summary>The length in bytes, or null where only the header has one.</summary>
    public long? Length { get; private set; }

    /// <summary>Takes an extended header.</summary>
    /// <exception cref="DataFormatException">It is damaged.</exception>
    public void Read(char kind, ReadOnlySpan<byte> content, string file, long offset)
    {
        if (kind == 'L')
            Name = Encoding.UTF8.GetString(content[..(content.IndexOf((byte)0) is var end and >= 0 ? end : content.Length)]);
        else if (kind is 'x' or 'g')
            ReadRecords(kind, content, file, offset);
    }

    /// <summary>The entry is over: what was said about it alone no longer holds.</summary>
    public void Clear() => (Name, Length) = (_all, null);

    // Each record is "LENGTH KEY=VALUE\n", its own length counted.
    private void ReadRecords(char kind, ReadOnlySpan<byte> content, string file, long offset)
    {
        var at = 0;
        while (at < content.Length && content[at..].ContainsAnyExcept((byte)0))
        {
            var record = content[at..];
            var space = record.IndexOf((byte)' ');
            if (space < 1 || !int.TryParse(record[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > record.Length || record[length - 1] != '\n' || record[(space + 1)..length].IndexOf((byte)'=') is not (> 0 and var equals))
            {
                throw new DataFormatException(file, offset + at, "a damaged pax header: wants records 'LENGTH KEY=VALUE'");
            }

            var key = record.Slice(space + 1, equals);
            var value = record[(space + equals + 2)..(length - 1)];
            if (key.SequenceEqual("path"u8))
            {
                Name = Encoding.UTF8.GetString(value);
                if (kind == 'g')
                    _all = Name;
            }
            else if (key.SequenceEqual("size"u8) && kind == 'x')
            {
                Length = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                    ? size
                    : throw new DataFormatException(file, offset + at, $"a damaged pax header: the size is no number from 0 to 2^63 - 1");
            }

            at += length;
        }
    }
}
