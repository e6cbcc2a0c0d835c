using System.Globalization;
using System.IO.Compression;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

public sealed class NpyTests
{
    private const string Name = "a.npy";

    [Fact]
    public void The_bytes_are_those_that_numpy_writes()
    {
        // numpy.save of numpy.float32([[1, 2]]): magic, version, 118 bytes of header, the values.
        var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
        byte[] expected =
        [
            0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(text.PadRight(117)), (byte)'\n',
            0, 0, 0x80, 0x3f, 0, 0, 0, 0x40,
        ];
        Assert.Equal(expected, Written(NamedArray.From("x", [1, 2], [1f, 2f])));
    }

    [Theory]
    [InlineData("features_forget_eval.npy")]
    [InlineData("paper_k1_projector.npy")]
    public void A_file_of_numpy_is_rewritten_byte_for_byte(string file)
    {
        var original = TestData.Oracle(file);
        Assert.Equal(File.ReadAllBytes(original), Written(Npy.Read(original)));
    }

    [Theory]
    [InlineData(ArrayType.F64)]
    [InlineData(ArrayType.F32)]
    [InlineData(ArrayType.F16)]
    [InlineData(ArrayType.I64)]
    [InlineData(ArrayType.U64)]
    [InlineData(ArrayType.I32)]
    [InlineData(ArrayType.U32)]
    [InlineData(ArrayType.I16)]
    [InlineData(ArrayType.U16)]
    [InlineData(ArrayType.I8)]
    [InlineData(ArrayType.U8)]
    [InlineData(ArrayType.Bool)]
    public void Every_type_and_rank_goes_there_and_back(ArrayType type)
    {
        using var folder = new TemporaryFolder();
        foreach (int[] shape in (int[][])[[], [0], [3], [2, 3], [2, 0, 4], [1, 2, 3, 4]])
        {
            var data = new byte[shape.Aggregate(1, (a, b) => a * b) * type.Size()];
            new Random(1).NextBytes(data);
            Npy.Write(folder[Name], new NamedArray("a", type, shape, data), force: true);
            var read = Npy.Read(folder[Name]);
            Assert.Equal(("a", type), (read.Name, read.Type));
            Assert.Equal(shape, read.Shape);
            Assert.Equal(data, read.Data.ToArray());
        }
    }

    [Fact]
    public void Fortran_order_comes_out_row_major()
    {
        // a[i, j, k] = 100 i + 10 j + k, stored with the first axis fastest.
        var values = new List<short>();
        for (var k = 0; k < 4; k++)
        {
            for (var j = 0; j < 3; j++)
            {
                for (var i = 0; i < 2; i++)
                    values.Add((short)((100 * i) + (10 * j) + k));
            }
        }

        var bytes = Raw("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 4), }", [.. values.SelectMany(BitConverter.GetBytes)]);
        var expected = from i in Enumerable.Range(0, 2) from j in Enumerable.Range(0, 3) from k in Enumerable.Range(0, 4) select (100L * i) + (10 * j) + k;
        Assert.Equal(expected, Npy.Read(bytes, "a", Name).ToInt64());
    }

    [Fact]
    public void The_oracle_eigenvectors_are_orthogonal_and_span_the_projector()
    {
        // U_eval.npy is stored in Fortran order; were it read wrongly, U would come out transposed and u1 a wrong vector.
        var u = Npy.Read(TestData.Oracle("U_eval.npy"));
        var projector = Npy.Read(TestData.Oracle("paper_k1_projector.npy")).ToFloat64();
        Assert.Equal([96, 96], u.Shape);
        var values = u.ToFloat64();
        for (var i = 0; i < 96; i++)
        {
            for (var j = 0; j < 96; j++)
                Assert.Equal((i == j ? 1 : 0) - (values[i * 96] * values[j * 96]), projector[(i * 96) + j], 1e-9);
        }
    }

    [Fact]
    public void Versions_2_and_3_are_read()
    {
        foreach (byte version in (byte[])[2, 3])
        {
            var text = Encoding.ASCII.GetBytes("{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }\n");
            byte[] bytes = [0x93, .. "NUMPY"u8, version, 0, .. BitConverter.GetBytes(text.Length), .. text, 0x34, 0x12];
            Assert.Equal([0x1234L], Npy.Read(bytes, "a", Name).ToInt64());
        }
    }

    [Fact]
    public void A_python_2_shape_is_read() =>
        Assert.Equal([2, 1], Npy.Read(Raw("{'shape': (2L, 1L), 'fortran_order': False, 'descr': \"|u1\"}", [1, 2]), "a", Name).Shape);

    [Theory]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 20, "pickles and never read")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 20, "big-endian")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 20, "element type '<c8' is not read")]
    [InlineData("{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }", 20, "element type '<U5' is not read")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 20, "an array of records")]
    [InlineData("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }", 44, "True or False")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 61, "whole number")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", 71, "above 2147483647")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", 62, "must be written (n,)")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, }", 52, "needs descr, fortran_order and shape")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 27, "appears twice")]
    [InlineData("{'descr': '<f4', 'extra': 1, 'fortran_order': False, 'shape': (1,), }", 27, "key 'extra'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } print()", 68, "something follows")]
    [InlineData("{'descr': '<f4", 20, "without an end")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 67, "wants more than the 4 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", 67, "wants 0 of the 4 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647, 2147483647), }", 111, "wants more than the 4 bytes")]
    public void A_header_that_breaks_a_rule_is_refused_at_its_place(string header, long offset, string rule) =>
        BadFile.Refused(Name, offset, rule, () => Npy.Read(Raw(header, new byte[4]), "a", Name));

    [Fact]
    public void A_wrong_magic_a_new_version_and_a_huge_header_are_refused()
    {
        var bytes = Raw("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", new byte[1]);
        Assert.Single(Npy.Read(bytes, "a", Name).ToInt64());
        BadFile.Refused(Name, 0, "does not start with", () => Npy.Read([.. "not numpy"u8], "a", Name));
        byte[] newer = [.. bytes];
        newer[6] = 4;
        BadFile.Refused(Name, 6, "version 4.0", () => Npy.Read(newer, "a", Name));
        byte[] huge = [.. bytes];
        huge[9] = 0xff;
        BadFile.Refused(Name, 8, "at most 10000", () => Npy.Read(huge, "a", Name));
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<DataFormatException>(() => Npy.Read(bytes[..length], "a", Name));
    }

    [Fact]
    public void An_empty_array_of_vast_dimensions_is_just_empty() =>
        Assert.Equal(0, Npy.Read(Raw("{'descr': '|u1', 'fortran_order': True, 'shape': (2147483647, 2147483647, 2147483647, 0), }", []), "a", Name).Count);

    [Fact]
    public void Bf16_has_no_npy_form() =>
        Assert.Throws<ArgumentException>(() => Written(new NamedArray("a", ArrayType.BF16, [1], new byte[2])));

    [Theory]
    [InlineData("esct_lr1.npz", "mask_step1,mask_step10,loss")]
    [InlineData("official_bn_after.npz", null)]
    public void Archives_of_numpy_are_read(string file, string? names)
    {
        var path = TestData.Oracle(file);
        var arrays = NpzFile.ReadAll(path);
        if (names is not null)
            Assert.Equal(names.Split(','), arrays.Keys);
        // The library's own zip reader as the second opinion.
        using var archive = ZipFile.OpenRead(path);
        Assert.Equal(archive.Entries.Count, arrays.Count);
        foreach (var entry in archive.Entries)
        {
            using var content = new MemoryStream();
            using (var stream = entry.Open())
                stream.CopyTo(content);
            var read = arrays[entry.Name[..^4]];
            Assert.Equal(content.ToArray()[^read.Data.Length..], read.Data.ToArray());
        }
    }

    [Fact]
    public void A_compressed_archive_is_read()
    {
        var values = Enumerable.Range(0, 1000).Select(i => (double)(i % 7)).ToArray();
        using var stream = new MemoryStream(Archive(CompressionLevel.Optimal, ("x.npy", Written(NamedArray.From("x", [10, 100], values)))));
        Assert.True(stream.Length < 2000);
        Assert.Equal(values, NpzFile.ReadAll(stream, "a.npz")["x"].ToFloat64());
    }

    [Fact]
    public void An_archive_with_something_else_in_it_is_refused()
    {
        var bytes = Archive(CompressionLevel.NoCompression, ("readme.txt", [1]));
        var failure = Assert.Throws<DataFormatException>(() => NpzFile.ReadAll(new MemoryStream(bytes), "a.npz"));
        Assert.Contains("'readme.txt' is not a .npy file", failure.Rule, StringComparison.Ordinal);
        bytes = Archive(CompressionLevel.NoCompression, ("x.npy", [1]));
        BadFile.Refused("a.npz!x.npy", 1, "7 more bytes", () => NpzFile.ReadAll(new MemoryStream(bytes), "a.npz"));
    }

    [Theory]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Damaged_archives_are_refused_in_order(CompressionLevel level)
    {
        var bytes = Archive(level, ("x.npy", Written(NamedArray.From("x", [3], [1f, 2f, 3f]))), ("y.npy", Written(NamedArray.From("y", [], [1L]))));
        // Deflate may expand 1,032-fold.
        FuzzRun.Run($"npz {level}", bytes, bytes.Length, input => NpzFile.ReadAll(new MemoryStream(input), "a.npz"), memoryFactor: 1100);
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_files_are_refused_in_order()
    {
        var bytes = Written(NamedArray.From("x", [3, 2], [1f, 2f, 3f, 4f, 5f, 6f]));
        FuzzRun.Run("npy", bytes, bytes.Length, input => Npy.Read(input, "a", Name).ToFloat64());
    }

    [Fact]
    public void Numbers_do_not_depend_on_the_culture()
    {
        var old = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            CultureInfo.CurrentCulture.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture.NumberFormat.NumberDecimalSeparator = ",";
            var array = NamedArray.From("x", [1000], new float[1000]);
            Assert.Equal(array.Count, Npy.Read(Written(array), "x", Name).Count);
        }
        finally
        {
            CultureInfo.CurrentCulture = old;
        }
    }

    internal static byte[] Archive(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    private static byte[] Written(NamedArray array)
    {
        using var stream = new MemoryStream();
        Npy.Write(stream, array);
        return stream.ToArray();
    }

    private static byte[] Raw(string header, byte[] data)
    {
        var text = Encoding.ASCII.GetBytes(header);
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, (byte)(text.Length >> 8), .. text, .. data];
    }
}
