using System.Globalization;
using System.Text;

namespace EscNative.Engine.Formats;

/// <summary>What a file that is no model here seems to be, and what to do about it.</summary>
internal static class FileGuess
{
    /// <summary>How many of a file's first bytes are looked at.</summary>
    public const int Length = 1024;

    private const string Read = "wants a checkpoint of PyTorch (.pt, .pth), safetensors or .npz";
    private const string SaveAsStateDict = "in Python: torch.save(model.state_dict(), FILE)";

    // What begins with certain bytes, what it is, and what to do.
    private static readonly (byte[] Start, string Says)[] Signatures =
    [
        ([.. "GGUF"u8], "is a GGUF file, of llama.cpp's language models; " + Read),
        ([.. "ggml"u8], "is a GGML file, of old versions of llama.cpp; " + Read),
        ([.. "lmgg"u8], "is a GGML file, of old versions of llama.cpp; " + Read),
        ([0x89, (byte)'H', (byte)'D', (byte)'F', 0x0d, 0x0a, 0x1a, 0x0a], "is an HDF5 file, as TensorFlow and Keras save (.h5); save the weights with numpy.savez from Python, under PyTorch's names and in its layout"),
        ([0x1f, 0x8b], "is compressed with gzip: unpack it first (gunzip, or tar -xzf for .tar.gz)"),
        ([.. "BZh"u8], "is compressed with bzip2: unpack it first (bunzip2)"),
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], "is compressed with xz: unpack it first (unxz)"),
        ([0x28, 0xb5, 0x2f, 0xfd], "is compressed with zstd: unpack it first (unzstd)"),
        ([(byte)'7', (byte)'z', 0xbc, 0xaf], "is a 7z archive: unpack it first"),
        ([.. "Rar!"u8], "is a RAR archive: unpack it first"),
        ([0x89, (byte)'P', (byte)'N', (byte)'G'], "is a PNG image; " + Read),
        ([0xff, 0xd8, 0xff], "is a JPEG image; " + Read),
        ([.. "GIF8"u8], "is a GIF image; " + Read),
        ([.. "RIFF"u8], "is a RIFF file, such as a WebP image; " + Read),
        ([.. "BM"u8], "seems to be a BMP image; " + Read),
        ([.. "%PDF"u8], "is a PDF document; " + Read),
        ([0x7f, (byte)'E', (byte)'L', (byte)'F'], "is a program or library (ELF); " + Read),
        ([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'], "is a single NumPy array (.npy), and a model has many by name: save them with numpy.savez"),
        ([.. "PYTORCH1"u8], "is an archive of a preview of PyTorch 1.0, which no released version reads: save it again with torch.save"),
    ];

    /// <summary>What a file seems to be.</summary>
    /// <param name="start">Its first bytes.</param>
    /// <param name="length">All its bytes.</param>
    /// <returns>Words for a message, or null where it may be a safetensors file.</returns>
    public static string? Of(ReadOnlySpan<byte> start, long length)
    {
        if (length == 0)
            return "is empty: the download or the copy failed; fetch it again";
        // The length of a safetensors header may spell any of what follows.
        if (start.Length > 8 && start[8] == '{' && !start[4..8].ContainsAnyExcept((byte)0))
            return null;
        foreach (var (signature, says) in Signatures)
        {
            if (start.StartsWith(signature))
                return says;
        }

        return OfPickle(start) ?? OfArchive(start) ?? OfText(start, length) ?? OfProtobuf(start);
    }

    /// <summary>What a zip archive without a checkpoint seems to be.</summary>
    /// <param name="names">Its entries.</param>
    /// <returns>Words for a message, or null where it may be an .npz file.</returns>
    public static string? OfZip(IReadOnlyList<string> names)
    {
        if (names.Count == 0 || names.All(n => n.EndsWith(".npy", StringComparison.Ordinal)))
            return null;
        if (names.Contains("model.weights.h5"))
            return "is a Keras model (.keras); save the weights with numpy.savez from Python, under PyTorch's names and in its layout";
        if (names.Any(n => n.EndsWith("/data.pkl", StringComparison.Ordinal)))
            return "is a zip archive with a checkpoint of PyTorch inside that does not stand first: unpack it and save the model again with torch.save";
        if (names.Contains("[Content_Types].xml"))
            return "is a document of an office program; " + Read;
        if (names.Any(n => n.EndsWith(".npy", StringComparison.Ordinal)))
            return null;
        var inside = names.FirstOrDefault(n => Path.GetExtension(n) is ".pt" or ".pth" or ".th" or ".safetensors" or ".npz" or ".ckpt" or ".bin");
        return inside is null
            ? $"is a zip archive with {Shown(names[0])} and no tensors; {Read}"
            : $"is a zip archive around {Shown(inside)}: unpack it and give that file";
    }

    private static string? OfPickle(ReadOnlySpan<byte> start) => start.Length > 2 && start[0] == 0x80 && start[1] is >= 2 and <= 5 && start[2] is not 0
        ? $"is a pickle of Python, but not one of torch.save; such a file can run anything when Python reads it. Save the weights {SaveAsStateDict}"
        : null;

    private static string? OfArchive(ReadOnlySpan<byte> start)
    {
        const int magic = 257;
        if (start.Length < magic + 5 || !start[magic..].StartsWith("ustar"u8))
            return null;
        var end = start.IndexOf((byte)0);
        var first = Encoding.Latin1.GetString(start[..Math.Min(end < 0 ? 0 : end, 100)]);
        return first.Split('/')[^1] is "storages" or "tensors" or "pickle"
            ? "is a checkpoint of PyTorch 0.1 (a tar archive), which even PyTorch reads no longer without running its code: load it there and save it again with torch.save"
            : $"is a tar archive that begins with {Shown(first)}: unpack it (tar -xf) and give the file inside; a .pth.tar of torch.save is none and would be read";
    }

    private static string? OfText(ReadOnlySpan<byte> start, long length)
    {
        if (start.StartsWith("\uFEFF"u8))
            start = start[3..];
        var text = start.TrimStart(" \t\r\n"u8);
        if (text.IsEmpty || text[..Math.Min(text.Length, 64)].IndexOfAnyInRange((byte)0, (byte)8) >= 0)
            return null;
        var head = Encoding.Latin1.GetString(text[..Math.Min(text.Length, 400)]);
        if (head.StartsWith("version https://git-lfs", StringComparison.Ordinal))
        {
            var size = head.Split('\n').FirstOrDefault(line => line.StartsWith("size ", StringComparison.Ordinal))?[5..].Trim();
            var bytes = long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? FormattableString.Invariant($" of {count} bytes") : "";
            return $"is a pointer of git-lfs to a file{bytes}, not the file: run 'git lfs pull' where it came from, or download the file itself";
        }

        if (head.Contains("/annex/objects/", StringComparison.Ordinal))
            return "is a pointer of git-annex, not the file: run 'git annex get' where it came from";
        if (head.StartsWith('<'))
        {
            return head.Contains("html", StringComparison.OrdinalIgnoreCase)
                ? "is an HTML page, not a model: the download gave a page (a login, a notice, a link that moved). Open the link in a browser and save the file itself"
                : "is XML, not a model: the download gave an error message perhaps; fetch the file itself";
        }

        if (head[0] is '{' or '[')
        {
            return head.Contains("weight_map", StringComparison.Ordinal)
                ? "is the index of weights that are cut into several files: give the index itself, with those files beside it"
                : $"is JSON text, such as a model's configuration; {Read}";
        }

        return head.All(c => c is '\t' or '\r' or '\n' or (>= ' ' and < '\x7f')) && head.Length >= Math.Min(16, length) ? $"is a text file; {Read}" : null;
    }

    // Protocol buffers have no signature: the first fields of both formats have to look right.
    private static string? OfProtobuf(ReadOnlySpan<byte> start)
    {
        if (start.Length >= 8 && start[4..].StartsWith("TFL3"u8))
            return "is a TensorFlow Lite model; " + Read;
        // Field 1 is a small number: the version of the format.
        if (start.Length < 8 || start[0] != 0x08 || start[1] is not (>= 1 and <= 31))
            return null;
        // ONNX: field 2 is the producer's name, or field 7 the graph follows, or others of its header. SavedModel: field 2 is a graph.
        const string onnx = "is an ONNX model, of which the weights are not read: load it where it was made, and save the weights " + SaveAsStateDict;
        if (start[2] == 0x12 && start[3] < 64 && start.Length > 4 + start[3] && start.Slice(4, start[3]).IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0)
            return onnx;
        if (start[1] == 1 && start[2] == 0x12)
            return "is a SavedModel of TensorFlow (saved_model.pb); save the weights with numpy.savez from Python, under PyTorch's names and in its layout";
        return start[2] is 0x1a or 0x22 or 0x3a or 0x42 ? onnx : null;
    }

    private static string Shown(string name) => $"'{new string([.. name.Take(80).Select(c => char.IsControl(c) ? '?' : c)])}'";
}
