using System.Buffers.Binary;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

public sealed class SafetensorsTests
{
    private const string Name = "test.safetensors";

    private static readonly NamedArray[] Sample =
    [
        NamedArray.From("b.weight", [2, 3], [1f, -2f, 3.5f, float.NaN, 0f, -0f]),
        NamedArray.From("a.counts", [2], [long.MinValue, long.MaxValue]),
        NamedArray.From("scalar", [], [0.1]),
        new("mask", ArrayType.Bool, [3], new byte[] { 1, 0, 1 }),
        new("empty", ArrayType.F32, [0, 5], Array.Empty<byte>()),
        new("half", ArrayType.F16, [2], new byte[] { 0x00, 0x3c, 0xff, 0x7b }),
        new("brain", ArrayType.BF16, [1], new byte[] { 0x80, 0x3f }),
        new("bytes", ArrayType.U8, [1, 1, 2], new byte[] { 7, 255 }),
    ];

    [Fact]
    public void What_was_written_is_read_back()
    {
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string> { ["tool"] = "test", ["ключ"] = "\"quoted\"\n\\" };
        SafetensorsWriter.Write(folder["a.safetensors"], Sample, metadata);
        using var file = SafetensorsFile.Open(folder["a.safetensors"]);
        Assert.Equal(metadata, file.Metadata);
        Assert.Equal(Sample.Length, file.Entries.Count);
        foreach (var expected in Sample)
        {
            var read = file.Read(expected.Name);
            Assert.Equal(expected.Type, read.Type);
            Assert.Equal(expected.Shape, read.Shape);
            Assert.Equal(expected.Data.ToArray(), read.Data.ToArray());
        }

        Assert.Equal([1f, 65504f], file.Read("half").ToFloat32());
        Assert.Equal([1.0], file.Read("brain").ToFloat64());
        Assert.Equal([0.1], file.Read("scalar").ToFloat64());
        Assert.Equal([1L, 0, 1], file.Read("mask").ToInt64());
        Assert.Throws<InvalidOperationException>(() => file.Read("half").ToInt64());
    }

    [Fact]
    public void The_bytes_are_golden_and_do_not_depend_on_the_order_of_the_input()
    {
        var metadata = new Dictionary<string, string> { ["z"] = "1", ["a"] = "2" };
        var reversed = new Dictionary<string, string> { ["a"] = "2", ["z"] = "1" };
        NamedArray[] arrays = [NamedArray.From("w", [1, 2], [1f, 2f]), NamedArray.From("n", [], [3L])];
        var bytes = Written(arrays, metadata);
        var header = """{"__metadata__":{"a":"2","z":"1"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}""";
        byte[] expected =
        [
            .. BitConverter.GetBytes(144L), .. Encoding.UTF8.GetBytes(header.PadRight(144)),
            3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40,
        ];
        Assert.Equal(expected, bytes);
        Assert.Equal(bytes, Written([arrays[1], arrays[0]], reversed));
    }

    [Fact]
    public void A_file_of_the_reference_implementation_is_rewritten_byte_for_byte()
    {
        // Written by the format's own library (Rust), which sorts as we do.
        var original = TestData.Weights("burn_mnist.safetensors");
        Assert.Equal(File.ReadAllBytes(original), Written(SafetensorsFile.ReadAll(original).Values, null));
    }

    [Theory]
    [InlineData("cifar10_ori_allcnn.safetensors")]
    [InlineData("cifar10_retrain4_allcnn.safetensors")]
    public void The_oracle_checkpoint_is_read_and_rewritten(string checkpoint)
    {
        var path = TestData.Oracle(checkpoint);
        var tensors = SafetensorsFile.ReadAll(path);
        Assert.Equal(50, tensors.Count);
        // 406,810 parameters (methods section 5.1), 8 x 2 running statistics and 8 counters.
        var statistics = tensors.Values.Where(t => t.Name.Contains("running", StringComparison.Ordinal)).Sum(t => t.Count);
        var counters = tensors.Values.Count(t => t.Type == ArrayType.I64);
        Assert.Equal(8, counters);
        Assert.Equal(406_810, tensors.Values.Sum(t => t.Count) - statistics - counters);
        Assert.Equal([48, 3, 3, 3], tensors["features.0.0.weight"].Shape);
        // The first value, straight from the file: the first tensor starts right after the header of 4,304 bytes.
        var bytes = File.ReadAllBytes(path);
        Assert.Equal(BitConverter.ToSingle(bytes, 8 + (int)BitConverter.ToInt64(bytes)), tensors["features.0.0.weight"].ToFloat32()[0]);

        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder["copy.safetensors"], tensors.Values.Reverse());
        var copy = SafetensorsFile.ReadAll(folder["copy.safetensors"]);
        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), copy.Keys.Order(StringComparer.Ordinal));
        Assert.All(tensors, t => Assert.Equal(t.Value.Data.ToArray(), copy[t.Key].Data.ToArray()));
    }

    [Fact]
    public void A_type_that_is_not_read_is_listed_and_named()
    {
        var bytes = Raw("""{"q":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}""", 8);
        using var file = SafetensorsFile.Open(new MemoryStream(bytes), Name);
        Assert.Equal("F8_E4M3", file.Entries[0].TypeName);
        Assert.Null(file.Entries[0].Type);
        Assert.Equal([0f], file.Read("w").ToFloat32());
        BadFile.Refused(Name, bytes.Length - 8, "holds F8_E4M3, which is not read", () => file.Read("q"));
        BadFile.Refused(Name, null, "has no tensor 'nope'", () => file.Read("nope"));
    }

    [Theory]
    [InlineData("""["a"]""", 0, 8, "must start with '{'")]
    [InlineData("""{"a":1}""", 0, 13, "must be an object")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""", 4, 60, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}x""", 4, 62, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, 62, "appears twice")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, 28, "'dtype' appears twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}""", 4, 61, "unknown field 'x'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, 9, "must have dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", 4, 9, "unknown dtype 'F31'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, 9, "wants 8 bytes, data_offsets give 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, 37, "integers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, 37, "integers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, 37, "numbers only")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""", 4, 9, "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483648],"data_offsets":[0,4]}}""", 4, 9, "is above 2147483647")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}""", 4, 69, "more than 16 numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, 9, "do not lie in the 4 bytes of data")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, 9, "do not lie in the 3 bytes of data")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, 8, "the tensors end at data byte 4, the file has 5")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, 8, "a hole before it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, 8, "it overlaps the one before")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, 29, "strings only")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, 37, "metadata 'a' appears twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, 27, "'__metadata__' appears twice")]
    [InlineData("""{"__metadata__":{"a":"\ud800"}}""", 0, 29, "surrogate")]
    public void A_header_that_breaks_a_rule_is_refused_at_its_place(string header, int data, long offset, string rule) =>
        BadFile.Refused(Name, offset, rule, () => SafetensorsFile.Open(new MemoryStream(Raw(header, data)), Name));

    [Fact]
    public void A_length_beyond_the_file_or_the_limit_is_refused_before_memory_is_taken()
    {
        var bytes = Raw("{}", 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, 3);
        BadFile.Refused(Name, 0, "the header has 3 bytes, the file only 2", () => SafetensorsFile.Open(new MemoryStream(bytes), Name));
        BinaryPrimitives.WriteInt64LittleEndian(bytes, 100_000_001);
        BadFile.Refused(Name, 0, "at most 100000000", () => SafetensorsFile.Open(new MemoryStream(bytes), Name));
        BinaryPrimitives.WriteInt64LittleEndian(bytes, -1);
        BadFile.Refused(Name, 0, "18446744073709551615 bytes", () => SafetensorsFile.Open(new MemoryStream(bytes), Name));
        BadFile.Refused(Name, 5, "3 more bytes were expected", () => SafetensorsFile.Open(new MemoryStream(bytes[..5]), Name));
        BinaryPrimitives.WriteInt64LittleEndian(bytes, 0);
        BadFile.Refused(Name, 8, "must start with '{'", () => SafetensorsFile.Open(new MemoryStream(bytes), Name));
    }

    [Fact]
    public void Bad_utf8_and_a_long_name_are_refused()
    {
        var bytes = Raw("""{"__metadata__":{"a":"x"}}""", 0);
        bytes[30] = 0xff;
        BadFile.Refused(Name, 8, "not valid UTF-8", () => SafetensorsFile.Open(new MemoryStream(bytes), Name));
        var name = new string('n', 1025);
        var text = $$$"""{"{{{name}}}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";
        BadFile.Refused(Name, 9, "at most 1024", () => SafetensorsFile.Open(new MemoryStream(Raw(text, 4)), Name));
    }

    [Fact]
    public void A_truncated_file_is_refused_wherever_it_ends()
    {
        var whole = Written(Sample, null);
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<DataFormatException>(() => SafetensorsFile.Open(new MemoryStream(whole[..length]), Name));
    }

    [Fact]
    public void A_file_that_shrinks_after_it_was_opened_is_noticed()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("a.safetensors", Written(Sample, null));
        var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
        using var file = SafetensorsFile.Open(stream, path);
        var last = file.Entries[^1];
        stream.SetLength(stream.Length - 1);
        Assert.Throws<DataFormatException>(() => file.Read(last.Name));
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_named()
    {
        using var folder = new TemporaryFolder();
        BadFile.Refused(folder["no"], null, "does not exist", () => SafetensorsFile.Open(folder["no"]));
        BadFile.Refused(folder.Path, null, "is a folder", () => SafetensorsFile.Open(folder.Path));
    }

    [Fact]
    public void The_writer_refuses_what_the_format_cannot_hold()
    {
        var array = NamedArray.From("a", [1], [1f]);
        Assert.Throws<ArgumentException>(() => Written([array, array], null));
        Assert.Throws<ArgumentException>(() => Written([NamedArray.From("__metadata__", [1], [1f])], null));
        Assert.Throws<ArgumentException>(() => NamedArray.From("a", [2], [1f]));
        Assert.Throws<ArgumentOutOfRangeException>(() => NamedArray.From("a", [-1], [1f]));
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_files_are_refused_in_order()
    {
        var bytes = Written(Sample, new Dictionary<string, string> { ["k"] = "v" });
        FuzzRun.Run("safetensors", bytes, bytes.Length, input =>
        {
            using var file = SafetensorsFile.Open(new MemoryStream(input), Name);
            foreach (var entry in file.Entries)
            {
                if (entry.Type is not null)
                    file.Read(entry.Name).ToFloat64();
            }
        });
    }

    private static byte[] Written(IEnumerable<NamedArray> arrays, Dictionary<string, string>? metadata)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, arrays, metadata);
        return stream.ToArray();
    }

    private static byte[] Raw(string header, int data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[data]];
    }
}
