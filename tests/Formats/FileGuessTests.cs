using System.IO.Compression;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

/// <summary>A file that is no model says what it seems to be, and what to do.</summary>
public sealed class FileGuessTests
{
    private static readonly byte[] Zeros = new byte[600];

    public static TheoryData<string, string> Texts => new()
    {
        { "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>", "is an HTML page" },
        { "\n\n  <HTML><BODY>", "is an HTML page" },
        { "\uFEFF<html>", "is an HTML page" },
        { "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "is XML" },
        { "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 346293852\n", "is a pointer of git-lfs to a file of 346293852 bytes" },
        { "../../.git/annex/objects/aB/12/SHA256E-s1.pth/x", "is a pointer of git-annex" },
        { "{\"architectures\": [\"ViTForImageClassification\"]}", "is JSON text" },
        { "{\"metadata\": {}, \"weight_map\": {\"a\": \"model-00001.safetensors\"}}", "is the index of weights that are cut" },
        { "epoch,loss\n1,0.5\n2,0.25\n", "is a text file" },
        { "GGUF\u0003", "is a GGUF file" },
        { "%PDF-1.7 and more", "is a PDF document" },
        { "PYTORCH1 and more", "is an archive of a preview" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Texts_are_told(string content, string says) => Says(says, Encoding.UTF8.GetBytes(content));

    [Fact]
    public void Bytes_are_told()
    {
        Says("is empty", []);
        Says("is an HDF5 file", [0x89, .. "HDF\r\n\x1a\n"u8, .. Zeros]);
        Says("compressed with gzip", [0x1f, 0x8b, 8, .. Zeros]);
        Says("compressed with xz", [0xfd, .. "7zXZ"u8, 0, .. Zeros]);
        Says("compressed with zstd", [0x28, 0xb5, 0x2f, 0xfd, .. Zeros]);
        Says("compressed with bzip2", [.. "BZh91AY"u8, .. Zeros]);
        Says("is a PNG image", [0x89, .. "PNG\r\n\x1a\n"u8, .. Zeros]);
        Says("is a JPEG image", [0xff, 0xd8, 0xff, 0xe0, .. Zeros]);
        Says("a WebP image", [.. "RIFF"u8, 1, 2, 3, 4, .. "WEBP"u8]);
        Says("(ELF)", [0x7f, .. "ELF"u8, 2, 1, 1, .. Zeros]);
        Says("numpy.savez", [0x93, .. "NUMPY"u8, 1, 0, .. Zeros]);
        Says("is a pickle of Python", [0x80, 4, 0x95, 1, 2, 3, 4, 5, 6, 7, 8]);
        Says("is an ONNX model", [0x08, 8, 0x12, 7, .. "pytorch"u8, 0x1a, 3, .. "2.6"u8, .. Zeros]);
        Says("is an ONNX model", [0x08, 7, 0x3a, 0x90, 3, .. Zeros]);
        Says("is a SavedModel of TensorFlow", [0x08, 1, 0x12, 0xd0, 0x9a, 3, 0x0a, 4, .. Zeros]);
        Says("is a TensorFlow Lite model", [0x1c, 0, 0, 0, .. "TFL3"u8, .. Zeros]);
        Says("is a tar archive that begins with 'model/weights.pth'", Tar("model/weights.pth"));
        Says("is a checkpoint of PyTorch 0.1", Tar("storages"));
        // What nothing is known of is refused as the format that it would be by its first bytes.
        Says("not a safetensors file", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    [Fact]
    public void Archives_are_told()
    {
        Says("is a Keras model", Zip("metadata.json", "config.json", "model.weights.h5"));
        Says("is a zip archive around 'sub/model.pth'", Zip("readme.md", "sub/model.pth"));
        Says("is a document of an office program", Zip("[Content_Types].xml", "word/document.xml"));
        Says("is a zip archive with 'a/b.txt' and no tensors", Zip("a/b.txt"));
        Says("does not stand first", Zip("other/x", "archive/data.pkl"));
        Says("is a TorchScript program", Zip("archive/data.pkl", "archive/constants.pkl"));
        Says("'readme.txt' is not a .npy file", Zip("x.npy", "readme.txt"));
    }

    [Fact]
    public void The_length_of_a_header_is_no_signature()
    {
        // Headers of 19,778 and 66,176 bytes begin with BM and with the first bytes of a pickle.
        foreach (var length in (int[])[0x4d42, 0x10280, 0x8b1f, 0x01_08])
        {
            using var stream = new MemoryStream();
            var header = Encoding.ASCII.GetBytes("{}".PadRight(length));
            stream.Write(BitConverter.GetBytes((long)length));
            stream.Write(header);
            stream.Position = 0;
            using var file = ArrayFile.Open(stream, "a");
            Assert.IsType<SafetensorsFile>(file);
        }
    }

    private static byte[] Tar(string first)
    {
        var bytes = new byte[1024];
        Encoding.ASCII.GetBytes(first, bytes);
        "ustar"u8.CopyTo(bytes.AsSpan(257));
        return bytes;
    }

    private static byte[] Zip(params string[] names) => NpyTests.Archive(CompressionLevel.NoCompression, [.. names.Select(n => (n, n.EndsWith(".npy", StringComparison.Ordinal) ? Npy() : (byte[])[1]))]);

    private static byte[] Npy()
    {
        using var stream = new MemoryStream();
        EscNative.Engine.Formats.Npy.Write(stream, NamedArray.From("x", [1], [1f]));
        return stream.ToArray();
    }

    private static void Says(string says, byte[] content)
    {
        var failure = Assert.Throws<DataFormatException>(() => ArrayFile.Open(new MemoryStream(content), "a.pth"));
        Assert.Contains(says, failure.Rule, StringComparison.Ordinal);
        Assert.Equal("a.pth", failure.File.Split('!')[0]);
    }
}
