using System.IO.Compression;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

/// <summary>Zip archives as attackers make them. Each case edits one field of a good archive, whose offsets are noted here.</summary>
public sealed class ZipReaderTests
{
    private const string Name = "a.zip";

    // Local header of the first entry "one" at 0 (30 + 3 bytes), its 100 bytes stored; see Good().
    private static readonly byte[] Content = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    [Fact]
    public void Good_archives_agree_with_the_library()
    {
        foreach (var level in (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.SmallestSize])
        {
            var bytes = NpyTests.Archive(level, ("one", Content), ("folder/two", [.. Content, .. Content]), ("empty", []));
            using var zip = ZipReader.Open(new MemoryStream(bytes), Name);
            Assert.Equal(["one", "folder/two", "empty"], zip.Entries.Select(e => e.Name));
            Assert.Equal(Content, zip.Read(zip.Entries[0]));
            Assert.Equal([.. Content, .. Content], zip.Read(zip.Entries[1]));
            Assert.Empty(zip.Read(zip.Entries[2]));
        }
    }

    [Fact]
    public void Damaged_content_fails_its_checksum()
    {
        var bytes = Good();
        bytes[33 + 50] ^= 1;
        using var zip = ZipReader.Open(new MemoryStream(bytes), Name);
        BadFile.Refused(Name, 33, "is damaged: its checksum", () => zip.Read(zip.Entries[0]));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var bytes = Good();
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<DataFormatException>(() => ZipReader.Open(new MemoryStream(bytes[..length]), Name));
    }

    [Theory]
    [InlineData("../", "is not acceptable")]
    [InlineData("/xx", "is not acceptable")]
    [InlineData("a\\b", "is not acceptable")]
    [InlineData("a\0b", "is not acceptable")]
    [InlineData("two", "two entries are called 'two'")]
    public void A_bad_name_is_refused(string name, string rule)
    {
        var bytes = Good();
        var at = Directory(bytes);
        for (var i = 0; i < 3; i++)
            bytes[30 + i] = bytes[at + 46 + i] = (byte)name[i];
        var failure = Assert.Throws<DataFormatException>(() => ZipReader.Open(new MemoryStream(bytes), Name));
        Assert.Contains(rule, failure.Rule, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, 1, "is encrypted")]
    [InlineData(10, 12, "compressed with method 12")]
    [InlineData(20, 99, "disagrees with the directory")]
    [InlineData(24, 99, "disagrees with the directory")]
    [InlineData(42, 1, "disagrees with the directory")]
    public void A_directory_that_lies_is_refused(int field, byte value, string rule)
    {
        var bytes = Good();
        bytes[Directory(bytes) + field] = value;
        var failure = Assert.Throws<DataFormatException>(() => ZipReader.Open(new MemoryStream(bytes), Name));
        Assert.Contains(rule, failure.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void Overlapping_entries_are_refused()
    {
        // Both directory entries point at the first local header; the second gets its name too, and a digit to stay unique.
        var bytes = Good();
        var first = Directory(bytes);
        var second = first + 46 + 3;
        bytes.AsSpan(first, 46).CopyTo(bytes.AsSpan(second));
        Assert.Contains("another name", Assert.Throws<DataFormatException>(() => ZipReader.Open(new MemoryStream(bytes), Name)).Rule, StringComparison.Ordinal);

        // A quine-like archive: the second entry starts inside the first one's data.
        var inner = Good();
        var outer = NpyTests.Archive(CompressionLevel.NoCompression, ("one", inner[..200]), ("two", Content));
        var directory = Directory(outer);
        var record = directory + 46 + 3;
        // The second local header of the inner archive lies at 133 of the inner, 33 + 133 of the outer one.
        BitConverter.GetBytes(33 + 133).CopyTo(outer, record + 42);
        Assert.Contains("overlap", Assert.Throws<DataFormatException>(() => ZipReader.Open(new MemoryStream(outer), Name)).Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bomb_is_refused_before_it_is_unpacked()
    {
        var bytes = NpyTests.Archive(CompressionLevel.Optimal, ("one", new byte[100_000]));
        var at = Directory(bytes);
        BitConverter.GetBytes(2_000_000_000).CopyTo(bytes, at + 24);
        BitConverter.GetBytes(2_000_000_000).CopyTo(bytes, 22);
        Assert.Contains("cannot unpack", Assert.Throws<DataFormatException>(() => ZipReader.Open(new MemoryStream(bytes), Name)).Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void More_content_than_declared_is_refused()
    {
        var bytes = NpyTests.Archive(CompressionLevel.Optimal, ("one", new byte[100_000]));
        var at = Directory(bytes);
        BitConverter.GetBytes(99_999).CopyTo(bytes, at + 24);
        BitConverter.GetBytes(99_999).CopyTo(bytes, 22);
        using var zip = ZipReader.Open(new MemoryStream(bytes), Name);
        BadFile.Refused("a.zip!one", 99_999, "more bytes than", () => zip.Read(zip.Entries[0]));
    }

    private static byte[] Good() => NpyTests.Archive(CompressionLevel.NoCompression, ("one", Content), ("two", Content));

    // The end record has 22 bytes; the directory's offset stands at 16 of it.
    private static int Directory(byte[] bytes) => BitConverter.ToInt32(bytes, bytes.Length - 6);
}
