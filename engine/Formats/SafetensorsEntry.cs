namespace EscNative.Engine.Formats;

/// <summary>One tensor of a safetensors file, as its header describes it.</summary>
public sealed class SafetensorsEntry : NamedArrayInfo
{
    internal SafetensorsEntry(string name, string typeName, int[] shape, long begin, long end)
        : base(name, typeName, SafetensorsTypes.Readable(typeName), shape, end - begin)
    {
        Begin = begin;
        End = end;
    }

    /// <summary>Its first byte, counted from the end of the header.</summary>
    public long Begin { get; }

    /// <summary>The byte after its last, counted from the end of the header.</summary>
    public long End { get; }
}
