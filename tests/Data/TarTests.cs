using System.Globalization;
using System.IO.Compression;
using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Tests.Data;

/// <summary>Archives as tar programs of every age write them, made by hand so that each field is what the test says.</summary>
public sealed class TarTests
{
    private const string Train = "cifar-10-batches-bin/data_batch_1.bin";
    private const string Test = "cifar-10-batches-bin/test_batch.bin";

    [Theory]
    [InlineData("")]
    [InlineData("./")]
    [InlineData(".//")]
    [InlineData("././")]
    public void Names_are_compared_without_what_does_not_count(string front)
    {
        var data = Open(Entry(front + "cifar-10-batches-bin/", [], '5'), Entry(front + Train.Replace("/", "//"), Record(3)), Entry(front + Test, Record(4)), End);
        Assert.Equal([3], data.Train.Labels());
        Assert.Equal([4], data.Test.Labels());
        Assert.DoesNotContain(data.Notes, note => note.Contains("passed over", StringComparison.Ordinal));
    }

    [Fact]
    public void Long_names_prefixes_and_attributes_of_every_kind_are_read()
    {
        var gnu = (byte[])[.. Entry("././@LongLink", Encoding.ASCII.GetBytes(Train + "\0"), 'L'), .. Entry("short", Record(3))];
        var pax = (byte[])[.. Entry("PaxHeader", Pax(("mtime", "1.5"), ("path", "./" + Train)), 'x'), .. Entry("other", Record(3))];
        var size = (byte[])[.. Entry("PaxHeader", Pax(("size", "3073")), 'x'), .. Entry(Train, Record(3), lengthField: "00000000000\0")];
        var prefix = Entry("data_batch_1.bin", Record(3), prefix: "./cifar-10-batches-bin");
        // GNU's own kind has times where the prefix would stand.
        var times = Entry(Train, Record(3), prefix: "14000000000", magic: "ustar  \0");
        var binary = Entry(Train, Record(3), lengthField: "\u0080\0\0\0\0\0\0\0\0\0\u000c\u0001");
        var old = Entry(Train, Record(3), '\0', magic: "\0\0\0\0\0\0\0\0");
        var whole = Entry(Train, Record(3), '7');
        foreach (var train in (byte[][])[gnu, pax, size, prefix, times, binary, old, whole])
            Assert.Equal([3], Open(Entry("pax_global_header", Pax(("comment", "x")), 'g'), train, Entry(Test, Record(4)), End).Train.Labels());
    }

    [Fact]
    public void Links_and_devices_are_passed_over_and_counted()
    {
        var data = Open(Entry(Train, Record(1)), Entry("cifar-10-batches-bin/data_batch_2.bin", [], '2'), Entry("dev", [], '3'), Entry(Test, Record(2)), End);
        Assert.Contains("CIFAR-10: 2 entries of the archive are links, devices or the like and were passed over", data.Notes);
        var failure = Assert.Throws<DataFormatException>(() => Open(Entry(Train, [], '1'), End));
        Assert.Contains("1 entry of the archive is a link", failure.Rule, StringComparison.Ordinal);
        // Names that lead elsewhere are names that nobody looks for.
        Assert.Throws<DataFormatException>(() => Open(Entry("/" + Train, Record(1)), Entry("../" + Test, Record(1)), End));
    }

    [Fact]
    public void An_archive_may_end_without_zeros_or_with_any_number_of_them()
    {
        byte[][] entries = [Entry(Train, Record(1)), Entry(Test, Record(2))];
        foreach (var end in (byte[][])[[], new byte[512], End, new byte[10_240]])
            Assert.Equal([2], Open([.. entries, end]).Test.Labels());
        // The last entry's padding may be missing too.
        var tar = entries.SelectMany(e => e).ToArray();
        Assert.Equal([2], Open(tar[..(512 + 3584 + 512 + 3073)]).Test.Labels());
    }

    [Fact]
    public void What_is_cut_or_damaged_is_named()
    {
        var whole = (byte[])[.. Entry(Train, Record(1)), .. Entry("cifar-10-batches-bin/readme.html", new byte[1000]), .. Entry(Test, Record(2)), .. End];
        Refused(whole[..100], "truncated: the archive ends inside a header");
        Refused(whole[..2000], "1585 bytes of this entry are missing");
        Refused(whole[..(512 + 3584 + 512 + 10)], "truncated: the archive ends inside 'cifar-10-batches-bin/readme.html', 990 bytes of it are missing");
        Refused([.. Entry(Train, Record(1), lengthField: "0000000999x\0")], "is not octal");
        Refused([.. Entry(Train, Record(1), lengthField: "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")], "is not from 0 to 2^63 - 1");
        Refused([.. Entry(Train, Record(1), lengthField: "\u0080\0\0\0\u0010\0\0\0\0\0\0\0")], "archives above");
        Refused([.. Entry("x", "12 path"u8.ToArray(), 'x'), .. whole], "a damaged pax header");
        Refused([.. Entry("x", "14 size=-100\n\n"u8.ToArray(), 'x'), .. whole], "a damaged pax header");
        Refused([.. Entry("././@LongLink", new byte[2 << 20], 'L'), .. whole], "a name or attributes of 2097152 bytes");
        var broken = (byte[])whole.Clone();
        broken[3] ^= 1;
        Refused(broken, "a header's checksum is wrong");

        static void Refused(byte[] tar, string rule) =>
            Assert.Contains(rule, Assert.Throws<DataFormatException>(() => Open(tar)).Message, StringComparison.Ordinal);
    }

    private static byte[] End => new byte[1024];

    private static DataSet Open(params byte[][] parts)
    {
        using var folder = new TemporaryFolder();
        using var stream = new MemoryStream();
        using (var zip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        {
            foreach (var part in parts)
                zip.Write(part);
        }

        return CifarReader.ReadArchive(folder.Write("cifar.tar.gz", stream.ToArray()));
    }

    private static byte[] Record(byte label)
    {
        var record = new byte[3073];
        record[0] = label;
        return record;
    }

    private static byte[] Pax(params (string Key, string Value)[] records)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in records)
        {
            var rest = $" {key}={value}\n";
            var length = rest.Length + 1;
            while (length != rest.Length + length.ToString(CultureInfo.InvariantCulture).Length)
                length = rest.Length + length.ToString(CultureInfo.InvariantCulture).Length;
            text.Append(length).Append(rest);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static byte[] Entry(string name, byte[] content, char kind = '0', string prefix = "", string magic = "ustar\000", string? lengthField = null)
    {
        var entry = new byte[512 + ((content.Length + 511) / 512 * 512)];
        Put(name, 0);
        Put("0000644\0", 100);
        Put(lengthField ?? Convert.ToString(content.Length, 8).PadLeft(11, '0') + "\0", 124);
        Put("        ", 148);
        entry[156] = (byte)kind;
        Put(magic, 257);
        Put(prefix, 345);
        var sum = entry.AsSpan(0, 512).ToArray().Sum(b => b);
        Put(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", 148);
        content.CopyTo(entry, 512);
        return entry;

        void Put(string text, int at) => Encoding.Latin1.GetBytes(text).CopyTo(entry, at);
    }
}
