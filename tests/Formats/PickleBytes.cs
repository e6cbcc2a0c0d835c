using System.Buffers.Binary;
using System.Text;

namespace EscNative.Tests.Formats;

/// <summary>Writes pickles instruction by instruction, good ones and hostile ones.</summary>
internal sealed class PickleBytes
{
    private readonly List<byte> _bytes = [];

    public static PickleBytes Begin(byte protocol = 2) => new PickleBytes().Raw(0x80, protocol);

    public byte[] ToArray() => [.. _bytes];

    public PickleBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public PickleBytes Op(char code) => Raw((byte)code);

    public PickleBytes Do(Action<PickleBytes>? more)
    {
        more?.Invoke(this);
        return this;
    }

    public PickleBytes Repeat(int count, params ReadOnlySpan<byte> bytes)
    {
        var all = new byte[bytes.Length * count];
        for (var i = 0; i < count; i++)
            bytes.CopyTo(all.AsSpan(i * bytes.Length));
        return Raw(all);
    }

    public PickleBytes Text(string text) => Op('X').U32((uint)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    public PickleBytes Global(string module, string name) => Op('c').Raw(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public PickleBytes Int(long value) => Raw(0x8a, 8).I64(value);

    public PickleBytes Ints(params ReadOnlySpan<long> values)
    {
        Op('(');
        foreach (var value in values)
            Int(value);
        return Op('t');
    }

    public PickleBytes U32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public PickleBytes I64(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Raw(bytes);
    }

    /// <summary>A call of a name with one text: what an attack begins with.</summary>
    public PickleBytes Call(string module, string name, string argument) => Global(module, name).Op('(').Text(argument).Op('t').Op('R');
}
