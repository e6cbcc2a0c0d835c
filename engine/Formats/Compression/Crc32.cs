using System.Buffers.Binary;

namespace EscNative.Engine.Formats;

/// <summary>The checksum of zip and gzip (polynomial 0xEDB88320, reflected).</summary>
internal static class Crc32
{
    // Eight bytes at a time: table i is that of a byte with i zero bytes behind it.
    private const int Tables = 8;

    private static readonly uint[] Table = Build();

    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The checksum of data that follows what has the checksum <paramref name="before"/>; 0 is that of nothing.</summary>
    public static uint Append(uint before, ReadOnlySpan<byte> data)
    {
        var crc = ~before;
        ReadOnlySpan<uint> table = Table;
        for (; data.Length >= Tables; data = data[Tables..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = table[0x700 + (byte)low] ^ table[0x600 + (byte)(low >> 8)] ^ table[0x500 + (byte)(low >> 16)] ^ table[0x400 + (int)(low >> 24)]
                ^ table[0x300 + (byte)high] ^ table[0x200 + (byte)(high >> 8)] ^ table[0x100 + (byte)(high >> 16)] ^ table[(int)(high >> 24)];
        }

        foreach (var value in data)
            crc = table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[] Build()
    {
        var table = new uint[Tables * 256];
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            table[i] = crc;
        }

        for (var i = 256; i < table.Length; i++)
            table[i] = table[(byte)table[i - 256]] ^ (table[i - 256] >> 8);
        return table;
    }
}
