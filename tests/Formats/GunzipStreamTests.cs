using System.Buffers.Binary;
using System.IO.Compression;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

public sealed class GunzipStreamTests
{
    private const string Name = "a.gz";

    // Every kind of block: stored, fixed and dynamic codes; matches of every length and distance; an empty file; one beyond the buffers.
    public static TheoryData<string, CompressionLevel> Contents
    {
        get
        {
            var data = new TheoryData<string, CompressionLevel>();
            foreach (var kind in (string[])["empty", "one", "noise", "zeros", "text", "few", "periods", "mixed"])
            {
                foreach (var level in (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.Fastest, CompressionLevel.Optimal, CompressionLevel.SmallestSize])
                    data.Add(kind, level);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Contents))]
    public void What_was_packed_is_unpacked(string kind, CompressionLevel level)
    {
        var content = Content(kind);
        var packed = Pack(content, level);
        foreach (var step in (int[])[1 << 20, 4096, 7])
            Assert.True(content.AsSpan().SequenceEqual(Unpack(packed, step)), $"{kind} {level} in steps of {step}");
        // A stream that gives little at a time, with a member behind this one.
        Assert.True(((byte[])[.. content, .. content]).AsSpan().SequenceEqual(Unpack([.. packed, .. packed], 1 << 16, trickle: 13)));
    }

    [Fact]
    public void Members_padding_and_every_header_field_are_read()
    {
        byte[] one = [.. "one "u8], two = [.. "two"u8];
        Assert.Equal("one two", Text(Pack(one), Pack(two)));
        Assert.Equal("one two", Text(Pack(one), Pack([]), Pack(two), new byte[1]));
        Assert.Equal("one ", Text(Pack(one), new byte[70_000]));
        var plain = Pack(one);
        // FEXTRA, FNAME, FCOMMENT, FHCRC, FTEXT.
        byte[] header = [0x1f, 0x8b, 8, 0x1f, 1, 2, 3, 4, 0, 255, 3, 0, 9, 9, 9, (byte)'n', 0, (byte)'c', 0];
        var sum = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(sum, (ushort)Crc32.Compute(header));
        Assert.Equal("one ", Text(header, sum, plain[10..]));
        sum[0] ^= 1;
        BadFile.Refused(Name, header.Length, "a gzip header whose checksum is", () => Text(header, sum, plain[10..]));
    }

    [Fact]
    public void Each_fault_is_named_at_its_place()
    {
        var content = Content("text");
        var packed = Pack(content);
        var crc = packed.Length - 8;
        Refused([], 0, "is empty, wants a gzip file");
        Refused([1, 2, 3], 0, "not a gzip file");
        Refused(With(packed, 2, 7), 2, "method 7; deflate (8) is read");
        Refused(With(packed, 3, 0x20), 3, "reserved flags (20)");
        Refused(packed[..7], 7, "ends inside a gzip header");
        Refused(packed[..(crc - 3)], crc - 3, "truncated: the file ends inside its compressed data");
        Refused(packed[..crc], crc, "truncated: the file ends early, 8 bytes");
        Refused(packed[..^1], packed.Length - 1, "truncated: the file ends early, 1 bytes");
        Refused(With(packed, crc, (byte)(packed[crc] ^ 1)), crc, "its CRC-32 is");
        Refused(With(packed, crc + 4, (byte)(packed[crc + 4] ^ 1)), crc + 4, "bytes were unpacked, the gzip trailer says");
        Refused([.. packed, .. "GARBAGE"u8], packed.Length, "7 bytes behind the archive");
        Refused([.. packed, 0, 0, 1], packed.Length, "3 bytes behind the archive");
        Refused([.. packed, 0x1f], packed.Length, "1 byte behind the archive");
        Refused([.. packed, 0x1f, 0x8b], packed.Length + 2, "ends inside a gzip header");
        Refused([.. packed, .. packed[..^8]], (2 * packed.Length) - 8, "truncated: the file ends early");
        // A block of the reserved type; a match that reaches before the start; a length that its complement does not confirm.
        Refused([.. packed[..10], 7], null, "a block of the reserved type 3");
        Refused([.. packed[..10], 0x03 | 0x00, 0x02, 0, 0, 0], null, "");
        Refused([.. packed[..10], 1, 5, 0, 0, 0], null, "a stored block's length and its complement disagree");

        static void Refused(byte[] bytes, long? offset, string rule)
        {
            var failure = Assert.Throws<DataFormatException>(() => Unpack(bytes, 4096));
            Assert.Contains(rule, failure.Rule, StringComparison.Ordinal);
            Assert.Equal(Name, failure.File);
            if (offset is not null)
                Assert.Equal(offset, failure.Offset);
        }
    }

    [Fact]
    public void A_bit_of_damage_is_found_wherever_it_is()
    {
        var content = Content("few");
        foreach (var level in (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.Fastest, CompressionLevel.SmallestSize])
        {
            var packed = Pack(content, level);
            var random = new Random(5);
            var filling = 0;
            for (var i = 0; i < 400; i++)
            {
                // The header's time, level and system change nothing, nor do the bits that fill up a byte before a stored block and the trailer.
                var bit = random.Next(10 * 8, packed.Length * 8);
                try
                {
                    var read = Unpack(With(packed, bit / 8, (byte)(packed[bit / 8] ^ (1 << (bit & 7)))), 1 << 16);
                    Assert.True(content.AsSpan().SequenceEqual(read), $"{level}: bit {bit} was read as other data");
                    filling++;
                }
                catch (DataFormatException)
                {
                }
            }

            Assert.InRange(filling, 0, 20);
        }
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_files_are_refused_in_order()
    {
        var packed = Pack(Content("text")[..3000], CompressionLevel.SmallestSize);
        byte[] two = [.. packed, .. Pack(Content("noise")[..50])];
        FuzzRun.Run("gzip", two, two.Length, input => Unpack(input, 4096), memoryFactor: 3000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1000)]
    public void The_checksum_is_that_of_the_definition(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);
        var crc = ~0u;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }

        Assert.Equal(~crc, Crc32.Compute(data));
        Assert.Equal(~crc, Crc32.Append(Crc32.Compute(data.AsSpan(0, length / 3)), data.AsSpan(length / 3)));
    }

    [Fact]
    public void The_checksum_of_the_standard_text() => Assert.Equal(0xCBF43926u, Crc32.Compute("123456789"u8));

    private static byte[] Content(string kind)
    {
        var random = new Random(11);
        var bytes = new byte[kind switch { "empty" => 0, "one" => 1, _ => 300_000 }];
        switch (kind)
        {
            case "noise":
                random.NextBytes(bytes);
                break;
            case "text":
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] = (byte)"etaoin shrdlu\n"[(int)(14 * Math.Pow(random.NextDouble(), 2))];
                break;
            case "few":
                bytes = bytes[..2000];
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] = (byte)(random.Next(3) * 80);
                break;
            case "periods":
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] = (byte)(i < 40_000 ? random.Next(256) : bytes[i - (i % 7 == 0 ? 1 : 32_768 - (i / 50_000 * 5000))]);
                break;
            case "mixed":
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] = (byte)(i / 10_000 % 3 == 0 ? random.Next(256) : i / 10_000 % 3 == 1 ? 0 : i);
                break;
        }

        return bytes;
    }

    private static byte[] Pack(byte[] content, CompressionLevel level = CompressionLevel.Optimal)
    {
        using var stream = new MemoryStream();
        using (var zip = new GZipStream(stream, level, leaveOpen: true))
            zip.Write(content);
        // The library writes nothing at all where nothing was written.
        return stream.Length > 0 ? stream.ToArray() : [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    }

    private static byte[] With(byte[] bytes, int at, byte value)
    {
        var copy = (byte[])bytes.Clone();
        copy[at] = value;
        return copy;
    }

    private static string Text(params byte[][] parts) => System.Text.Encoding.ASCII.GetString(Unpack([.. parts.SelectMany(part => part)], 100));

    private static byte[] Unpack(byte[] packed, int step, int trickle = int.MaxValue)
    {
        using var reader = new GunzipStream(new Trickle(packed, trickle), Name);
        using var result = new MemoryStream();
        var buffer = new byte[step];
        while (reader.Read(buffer) is var got and > 0)
            result.Write(buffer, 0, got);
        Assert.Equal(0, reader.Read(buffer));
        Assert.Equal(result.Length, reader.Position);
        return result.ToArray();
    }

    private sealed class Trickle(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, most)]);
    }
}
