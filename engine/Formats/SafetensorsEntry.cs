namespace EscNative.Engine.Formats;

/// <summary>One tensor of a safetensors file, as its header describes it.</summary>
public sealed class SafetensorsEntry
{
    private readonly int[] _shape;

    internal SafetensorsEntry(string name, string typeName, int[] shape, long begin, long end)
    {
        Name = name;
        TypeName = typeName;
        Begin = begin;
        End = end;
        _shape = shape;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The element type in the format's words, for example <c>F32</c> or <c>F8_E4M3</c>.</summary>
    public string TypeName { get; }

    /// <summary>The element type, or null for one that can be listed but not read.</summary>
    public ArrayType? Type => SafetensorsTypes.Readable(TypeName);

    /// <summary>The dimensions; empty for a single value.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>Its first byte, counted from the end of the header.</summary>
    public long Begin { get; }

    /// <summary>The byte after its last, counted from the end of the header.</summary>
    public long End { get; }
}
