using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>The 512 bytes before an entry of a tar archive, as far as they are checked before the archive's reader has them.</summary>
/// <param name="Kind">The type flag.</param>
/// <param name="Length">Bytes that follow.</param>
internal readonly record struct TarHeader(char Kind, long Length)
{
    public const int Size = 512;

    /// <summary>Where the length stands.</summary>
    public const int LengthAt = 124;

    private const int LengthSize = 12;
    private const int SumAt = 148;
    private const int SumSize = 8;

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
        var kind = (char)block[156];
        // Links, devices and folders have no content, whatever length some writers give them.
        var length = kind is >= '1' and <= '6' ? 0 : Number(block.Slice(LengthAt, LengthSize), file, offset + LengthAt);
        return new TarHeader(kind, length);
    }

    /// <summary>Makes a length of 0 of whatever stands there, without its checksum.</summary>
    public static void ClearLength(Span<byte> block) => block.Slice(LengthAt, LengthSize).Fill((byte)'0');

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
}
