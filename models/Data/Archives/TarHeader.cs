using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>The 512 bytes before an entry of a tar archive: the original kind, ustar's (POSIX) and GNU's.</summary>
/// <param name="Name">As it stands there, ustar's folder before it.</param>
/// <param name="Kind">The type flag.</param>
/// <param name="Length">Bytes that follow.</param>
internal readonly record struct TarHeader(string Name, char Kind, long Length)
{
    public const int Size = 512;

    /// <summary>Where the length stands.</summary>
    public const int LengthAt = 124;

    private const int LengthSize = 12;
    private const int SumAt = 148;
    private const int SumSize = 8;

    /// <summary>A regular file; '7' is one that should lie in one piece.</summary>
    public bool IsFile => Kind is '0' or '\0' or '7' && !Name.EndsWith('/');

    /// <summary>A folder; before ustar, a name that ends with a slash.</summary>
    public bool IsFolder => Kind is '5' or 'D' || (Kind is '0' or '\0' && Name.EndsWith('/'));

    /// <summary>Attributes of the entry that follows: pax headers (x, of all: g), GNU's long names and long targets of links (L, K).</summary>
    public bool IsExtension => Kind is 'x' or 'g' or 'L' or 'K';

    /// <summary>Reads a header.</summary>
    /// <exception cref="DataFormatException">Its checksum is wrong, or a number in it.</exception>
    public static TarHeader Parse(ReadOnlySpan<byte> block, string file, long offset)
    {
        var told = Number(block.Slice(SumAt, SumSize), file, offset + SumAt);
        var (unsigned, signed) = (0L, 0L);
        for (var i = 0; i < block.Length; i++)
        {
            // The field itself counts as spaces; old systems summed signed characters.
            var value = i is >= SumAt and < SumAt + SumSize ? (byte)' ' : block[i];
            unsigned += value;
            signed += (sbyte)value;
        }

        if (told != unsigned && told != signed)
            throw new DataFormatException(file, offset, "not a tar archive, or damaged: a header's checksum is wrong");
        var name = Text(block[..100]);
        // GNU has times where POSIX has the first part of the name; it ends its mark with spaces.
        if (block.Slice(257, 6).SequenceEqual("ustar\0"u8) && Text(block.Slice(345, 155)) is { Length: > 0 } folder)
            name = $"{folder}/{name}";
        var kind = (char)block[156];
        // Links, devices and folders have no content, whatever length some writers give them.
        var length = kind is >= '1' and <= '6' ? 0 : Number(block.Slice(LengthAt, LengthSize), file, offset + LengthAt);
        return new TarHeader(name, kind, length);
    }

    /// <summary>A name without <c>./</c>, doubled slashes and a last slash. <c>..</c> and a first slash stay: names are only compared.</summary>
    public static string Normalised(string name)
    {
        var parts = name.Split('/').Where(part => part is not ("" or "."));
        return (name.StartsWith('/') ? "/" : "") + string.Join('/', parts);
    }

    // Octal digits, or from 8 GiB on GNU's big-endian binary after a first bit.
    private static long Number(ReadOnlySpan<byte> field, string file, long offset)
    {
        long value = 0;
        if ((field[0] & 0x80) != 0)
        {
            value = field[0] & 0x7f;
            foreach (var part in field[1..])
                value = value <= long.MaxValue >> 8 ? (value << 8) | part : throw Bad("is not from 0 to 2^63 - 1");
            return value;
        }

        foreach (var digit in field.Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
                throw Bad("is not octal");
            value = (value * 8) + (digit - '0');
        }

        return value;

        DataFormatException Bad(string what) => new(file, offset, $"not a tar archive, or damaged: a number in a header {what}");
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
