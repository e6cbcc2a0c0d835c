namespace EscNative.Engine.Formats;

/// <summary>What a file says about one of its arrays, before its values are read.</summary>
public class NamedArrayInfo
{
    private readonly int[] _shape;

    /// <summary>A description.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="typeName">The element type in the format's own words.</param>
    /// <param name="type">The element type, or null for one that can be listed but not read.</param>
    /// <param name="shape">The dimensions; empty for a single value.</param>
    /// <param name="length">Bytes of its values.</param>
    public NamedArrayInfo(string name, string typeName, ArrayType? type, ReadOnlySpan<int> shape, long length)
    {
        Name = name;
        TypeName = typeName;
        Type = type;
        Length = length;
        _shape = shape.ToArray();
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The element type in the format's own words, for example <c>F32</c> or <c>F8_E4M3</c>.</summary>
    public string TypeName { get; }

    /// <summary>The element type, or null for one that can be listed but not read.</summary>
    public ArrayType? Type { get; }

    /// <summary>The dimensions; empty for a single value.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>Bytes of its values.</summary>
    public long Length { get; }
}
