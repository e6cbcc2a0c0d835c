namespace EscNative.Engine.Formats;

/// <summary>An element type of PyTorch.</summary>
/// <param name="Name">As PyTorch says it: <c>float32</c>.</param>
/// <param name="Type">What it is here, or null for one that is listed but not read.</param>
/// <param name="Size">Bytes of an element.</param>
internal sealed record TorchType(string Name, ArrayType? Type, int Size)
{
    private static readonly TorchType[] All =
    [
        new("float32", ArrayType.F32, 4), new("float64", ArrayType.F64, 8), new("float16", ArrayType.F16, 2), new("bfloat16", ArrayType.BF16, 2),
        new("int8", ArrayType.I8, 1), new("uint8", ArrayType.U8, 1), new("bool", ArrayType.Bool, 1), new("int16", ArrayType.I16, 2),
        new("int32", ArrayType.I32, 4), new("int64", ArrayType.I64, 8), new("uint16", ArrayType.U16, 2), new("uint32", ArrayType.U32, 4),
        new("uint64", ArrayType.U64, 8), new("complex32", null, 4), new("complex64", null, 8), new("complex128", null, 16),
        new("qint8", null, 1), new("quint8", null, 1), new("qint32", null, 4), new("quint4x2", null, 1), new("quint2x4", null, 1),
        new("float8_e4m3fn", null, 1), new("float8_e5m2", null, 1), new("float8_e4m3fnuz", null, 1), new("float8_e5m2fnuz", null, 1),
        new("float8_e8m0fnu", null, 1),
    ];

    private static readonly Dictionary<string, TorchType> ByName = All.ToDictionary(t => t.Name, StringComparer.Ordinal);

    // What storages were called before they had types.
    private static readonly Dictionary<string, string> Storages = new(StringComparer.Ordinal)
    {
        ["FloatStorage"] = "float32",
        ["DoubleStorage"] = "float64",
        ["HalfStorage"] = "float16",
        ["BFloat16Storage"] = "bfloat16",
        ["CharStorage"] = "int8",
        ["ByteStorage"] = "uint8",
        ["BoolStorage"] = "bool",
        ["ShortStorage"] = "int16",
        ["IntStorage"] = "int32",
        ["LongStorage"] = "int64",
        ["ComplexFloatStorage"] = "complex64",
        ["ComplexDoubleStorage"] = "complex128",
        ["QInt8Storage"] = "qint8",
        ["QUInt8Storage"] = "quint8",
        ["QInt32Storage"] = "qint32",
        ["QUInt4x2Storage"] = "quint4x2",
        ["QUInt2x4Storage"] = "quint2x4",
    };

    /// <summary>Bytes of no type.</summary>
    public static TorchType Untyped { get; } = new("untyped", null, 1);

    /// <summary>The type of a name such as <c>torch.float32</c>, or null.</summary>
    public static TorchType? Of(object? dtype) => dtype is PickleGlobal { Module: "torch" } global ? ByName.GetValueOrDefault(global.Name) : null;

    /// <summary>The type of a storage's class, or null.</summary>
    public static TorchType? OfStorage(object? type) => type switch
    {
        PickleGlobal { Module: "torch" } global when Storages.TryGetValue(global.Name, out var name) => ByName[name],
        PickleGlobal { Module: "torch.storage" or "torch", Name: "UntypedStorage" } => Untyped,
        _ => null,
    };
}

/// <summary>Where values of tensors lie: a record of the file, or a part of one.</summary>
/// <param name="key">The record's name in the file.</param>
/// <param name="type">What its elements are.</param>
/// <param name="count">How many the record has.</param>
/// <param name="at">Where the pickle speaks of it first, for messages.</param>
internal sealed class PickleStorage(string key, TorchType type, long count, long at) : PickleNode
{
    public string Key { get; } = key;

    public TorchType Type { get; } = type;

    public long Count { get; } = count;

    public long At { get; } = at;

    /// <summary>Elements of the record before this part.</summary>
    public long Skipped { get; init; }

    public long Bytes => Count * Type.Size;
}

/// <summary>A tensor: a view of a storage, whose values nobody has read yet.</summary>
internal sealed class PickleTensor : PickleNode
{
    /// <summary>The view, or null where there is none that is read.</summary>
    public PickleStorage? Storage { get; init; }

    public required string TypeName { get; init; }

    /// <summary>Null for one that is listed but not read; <see cref="WhyNot"/> says why.</summary>
    public ArrayType? Type { get; init; }

    /// <summary>Why it is not read, and what to do, or null.</summary>
    public string? WhyNot { get; init; }

    public int ElementSize { get; init; }

    /// <summary>Elements of the storage before the first.</summary>
    public long Offset { get; init; }

    public required int[] Shape { get; init; }

    public long[] Stride { get; init; } = [];

    /// <summary>Elements.</summary>
    public long Count { get; init; }

    public long Bytes => Count * ElementSize;

    /// <summary>Elements of the storage from the first to the last of this view.</summary>
    public long Span
    {
        get
        {
            if (Count == 0)
                return 0;
            long last = 0;
            for (var i = 0; i < Shape.Length; i++)
                last += (Shape[i] - 1) * Stride[i];
            return last + 1;
        }
    }

    /// <summary>Whether the values lie one behind another in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Stride[i] != expected)
                    return false;
                expected *= Shape[i];
            }

            return true;
        }
    }
}
