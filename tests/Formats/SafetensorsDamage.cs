using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Tests.Formats;

/// <summary>
/// Damages what a safetensors file says and leaves the format whole: damaged bytes alone nearly always end at the header's JSON, and what
/// reads the tensors and metadata behind it is never reached.
/// </summary>
internal static class SafetensorsDamage
{
    private static readonly string[] Texts =
    [
        "", " ", "0", "1", "-1", "3", "NaN", "Infinity", "-Infinity", "1e12", "1e400", "1e-400", "0.5", "2147483647", "2147483648", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551616", "x", "0,0,0", "1,1,1", "0.5,NaN,0.5", "1e-45,1,1", "a\nb", "\n\n\n", "a=1", "a=1\u001fa=1",
        "=\u001f=", "\u0000", "7", "Completed", "Projection", "Oblique", "allcnn",
    ];

    private static readonly ArrayType[] Types = Enum.GetValues<ArrayType>();

    /// <summary>Feeds a reader with files whose bytes are damaged, and with files whose content is.</summary>
    /// <param name="format">Its name.</param>
    /// <param name="path">A file that is read; it is left damaged.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="least">How many of either kind at least.</param>
    public static void Run(string format, string path, Action read, int least = 200)
    {
        var valid = File.ReadAllBytes(path);
        var header = Math.Min(valid.Length, 8 + (int)BitConverter.ToInt64(valid));
        FuzzRun.Run($"{format}, bytes", valid, (mutator, bytes) => mutator.Mutate(bytes, header), Read, least: least);
        FuzzRun.Run($"{format}, content", valid, Damage, Read, least: least);

        void Read(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            read();
        }
    }

    private static byte[] Damage(FuzzMutator random, byte[] valid)
    {
        using var file = SafetensorsFile.Open(new MemoryStream(valid), "valid");
        var metadata = new SortedDictionary<string, string>(file.Metadata.ToDictionary(), StringComparer.Ordinal);
        var arrays = file.Entries.Select(e => file.Read(e.Name)).ToList();
        for (var left = random.Draw(2) + 1; left > 0; left--)
        {
            if (random.Draw(2) == 0 && metadata.Count > 0)
                DamageMetadata(random, metadata);
            else if (arrays.Count > 0)
                DamageArray(random, arrays);
        }

        arrays = [.. arrays.DistinctBy(a => a.Name)];
        // A checkpoint whose checksum is right for most of them: what reads the content is to be reached.
        if (metadata.ContainsKey(RunCheckpoint.ChecksumKey) && random.Draw(8) > 0)
            metadata[RunCheckpoint.ChecksumKey] = RunCheckpoint.Checksum(metadata, arrays.OrderBy(a => a.Name, StringComparer.Ordinal));
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, arrays, metadata);
        return stream.ToArray();
    }

    private static void DamageMetadata(FuzzMutator random, SortedDictionary<string, string> metadata)
    {
        var key = metadata.Keys.ElementAt(random.Draw(metadata.Count));
        switch (random.Draw(4))
        {
            case 0:
                metadata.Remove(key);
                break;
            case 1:
                metadata["escnative.unknown." + key] = "?";
                break;
            default:
                metadata[key] = Texts[random.Draw(Texts.Length)];
                break;
        }
    }

    private static void DamageArray(FuzzMutator random, List<NamedArray> arrays)
    {
        var at = random.Draw(arrays.Count);
        var old = arrays[at];
        switch (random.Draw(6))
        {
            case 0:
                arrays.RemoveAt(at);
                break;
            case 1:
                arrays.Add(new NamedArray(old.Name + (random.Draw(2) == 0 ? "x" : "0"), old.Type, old.Shape, old.Data));
                break;
            case 2:
                // Other shapes of as many values, or of none.
                int[][] shapes = [[old.Count], [1, old.Count], [.. Enumerable.Repeat(1, 15), old.Count], [0], [int.MaxValue, 0], [old.Count, 1, 1, 1]];
                var shape = shapes[random.Draw(shapes.Length)];
                arrays[at] = new NamedArray(old.Name, old.Type, shape, shape.Contains(0) ? default : old.Data);
                break;
            case 3:
                // Another type of the same length: every element of random bits.
                var type = Types[random.Draw(Types.Length)];
                var bytes = new byte[(long)old.Count * type.Size()];
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] = (byte)random.Draw(256);
                arrays[at] = new NamedArray(old.Name, type, old.Shape, bytes);
                break;
            case 4:
                double[] values = [double.NaN, double.PositiveInfinity, -1, 1e300, -1e300, 0, 1e-320, double.MaxValue];
                var doubles = old.ToFloat64();
                if (doubles.Length > 0)
                    doubles[random.Draw(doubles.Length)] = values[random.Draw(values.Length)];
                arrays[at] = NamedArray.From(old.Name, old.Shape, doubles);
                break;
            default:
                arrays[at] = new NamedArray(old.Name, old.Type, [], new byte[old.Type.Size()]);
                break;
        }
    }
}
