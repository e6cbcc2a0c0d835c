using System.IO.Compression;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

/// <summary>One tensor of a checkpoint that a test makes: what the pickle says of it, and the bytes that there are.</summary>
internal sealed record TensorSpec(string Name, string Key, long[] Size, byte[] Data)
{
    public string Storage { get; init; } = "FloatStorage";

    public string Module { get; init; } = "torch";

    public long Count { get; init; } = Data.Length / 4;

    public long Offset { get; init; }

    public long[] Stride { get; init; } = StridesOf(Size);

    /// <summary>Writes something else in place of the tensor.</summary>
    public Action<PickleBytes>? Instead { get; init; }

    private static long[] StridesOf(long[] size)
    {
        var strides = new long[size.Length];
        for (long i = size.Length - 1, step = 1; i >= 0; step *= Math.Max(size[i--], 1))
            strides[i] = step;
        return strides;
    }
}

/// <summary>Makes checkpoints as torch.save does, and such as nothing but an attacker does.</summary>
internal sealed class CheckpointMaker
{
    public CheckpointMaker(IEnumerable<NamedArray> arrays)
    {
        var i = 0;
        foreach (var array in arrays)
        {
            Tensors.Add(new TensorSpec(array.Name, $"{i++}", Array.ConvertAll(array.Shape.ToArray(), n => (long)n), array.Data.ToArray())
            {
                Storage = array.Type == ArrayType.I64 ? "LongStorage" : "FloatStorage",
                Count = array.Count,
            });
        }
    }

    public List<TensorSpec> Tensors { get; } = [];

    /// <summary>Writes a value that stands under a key of its own beside the state dict.</summary>
    public Action<PickleBytes>? Extra { get; set; }

    /// <summary>Writes what follows within the state dict.</summary>
    public Action<PickleBytes>? Within { get; set; }

    public byte[] Pickle()
    {
        var p = PickleBytes.Begin().Op('}').Op('(').Text("state_dict").Global("collections", "OrderedDict").Op(')').Op('R').Op('(');
        foreach (var tensor in Tensors)
            Write(p.Text(tensor.Name), tensor, legacy: false);
        p.Do(Within).Op('u').Text("epoch").Raw((byte)'K', 3);
        if (Extra is not null)
            p.Text("extra").Do(Extra);
        return p.Op('u').Op('.').ToArray();
    }

    public byte[] Zip(CompressionLevel level = CompressionLevel.NoCompression, params ReadOnlySpan<(string Name, byte[] Content)> more) => Zip(Pickle(), level, more);

    public byte[] Zip(byte[] pickle, CompressionLevel level = CompressionLevel.NoCompression, params ReadOnlySpan<(string Name, byte[] Content)> more) => NpyTests.Archive(
        level,
        [
            ("a/data.pkl", pickle), ("a/byteorder", "little"u8.ToArray()), .. Tensors.DistinctBy(t => t.Key).Select(t => ($"a/data/{t.Key}", t.Data)), ("a/version", "3\n"u8.ToArray()), .. more,
        ]);

    public byte[] Legacy(bool little = true, byte[]? root = null, Action<PickleBytes>? keys = null, Func<TensorSpec, long>? count = null)
    {
        var p = PickleBytes.Begin().Raw(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19).Op('.');
        p.Raw(0x80, 2, (byte)'M', 0xe9, 0x03).Op('.');
        p.Raw(0x80, 2).Op('}').Op('(').Text("protocol_version").Raw((byte)'M', 0xe9, 0x03).Text("little_endian").Raw(little ? (byte)0x88 : (byte)0x89).Op('u').Op('.');
        if (root is not null)
        {
            p.Raw(root);
        }
        else
        {
            p.Raw(0x80, 2).Op('}').Op('(');
            foreach (var tensor in Tensors)
                Write(p.Text(tensor.Name), tensor, legacy: true);
            p.Op('u').Op('.');
        }

        p.Raw(0x80, 2).Op(']').Op('(');
        if (keys is not null)
        {
            p.Do(keys);
        }
        else
        {
            foreach (var tensor in Tensors)
                p.Text(tensor.Key);
        }

        p.Op('e').Op('.');
        foreach (var tensor in Tensors)
            p.I64(count?.Invoke(tensor) ?? tensor.Count).Raw(tensor.Data);
        return p.ToArray();
    }

    private static void Write(PickleBytes p, TensorSpec tensor, bool legacy)
    {
        if (tensor.Instead is not null)
        {
            tensor.Instead(p);
            return;
        }

        p.Global("torch._utils", "_rebuild_tensor_v2").Op('(');
        p.Op('(').Text("storage").Global(tensor.Module, tensor.Storage).Text(tensor.Key).Text("cpu").Int(tensor.Count);
        if (legacy)
            p.Op('N');
        p.Op('t').Op('Q').Int(tensor.Offset).Ints(tensor.Size).Ints(tensor.Stride).Raw(0x89).Global("collections", "OrderedDict").Op(')').Op('R').Op('t').Op('R');
    }
}
