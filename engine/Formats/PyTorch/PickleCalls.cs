using System.Text;

namespace EscNative.Engine.Formats;

/// <summary>The few calls of a checkpoint's pickle that mean something here: containers, and what makes tensors.</summary>
internal static class PickleCalls
{
    private const int MaximumRank = 32;

    // A view may repeat its values (expand): beyond this, and this many times its storage, nobody means it.
    private const long MaximumExpanded = 64L << 20;
    private const long MaximumRepeats = 16;

    /// <summary>What a call gives.</summary>
    /// <param name="function">What is called.</param>
    /// <param name="arguments">What it is told.</param>
    /// <param name="bad">Makes the exception of a rule.</param>
    /// <param name="charge">Counts the values and the bytes that a call copies, before it does; throws above what is accepted.</param>
    /// <returns>Null for a name that means nothing here.</returns>
    public static object? Interpret(PickleGlobal function, PickleTuple arguments, Func<string, DataFormatException> bad, Action<int, int> charge)
    {
        var items = arguments.Items;
        return function.Module switch
        {
            "collections" => Collection(function.Name, items, bad, charge),
            "builtins" or "__builtin__" => Builtin(function.Name, items, charge),
            "_codecs" when function.Name == "encode" => items is [string text, string] ? Encode(text, charge) : null,
            "torch" when function.Name == "Size" => items is [PickleTuple size] ? size : null,
            "torch._utils" => Tensor(function.Name, items, bad, charge),
            "torch._tensor" when function.Name == "_rebuild_from_type_v2" =>
                items is [PickleGlobal { Module: "torch._utils" } inner, _, PickleTuple own, ..] ? Tensor(inner.Name, own.Items, bad, charge) : throw Wrong(function, bad),
            _ => null,
        };
    }

    private static byte[] Encode(string text, Action<int, int> charge)
    {
        charge(0, text.Length);
        return Encoding.Latin1.GetBytes(text);
    }

    private static PickleDict? Collection(string name, object?[] items, Func<string, DataFormatException> bad, Action<int, int> charge)
    {
        switch (name)
        {
            case "OrderedDict" when items.Length == 0:
            case "defaultdict" when items.Length <= 1:
            case "Counter" when items.Length == 0:
                return new PickleDict();
            case "Counter" when items is [PickleDict counts]:
                return counts;
            case "OrderedDict" when items is [PickleList pairs]:
                charge(pairs.Count, 0);
                var dict = new PickleDict();
                foreach (var pair in pairs.Items)
                {
                    var (key, value) = pair switch
                    {
                        PickleTuple { Items: [var k, var v] } => (k, v),
                        PickleList { Count: 2 } list => (list.Items[0], list.Items[1]),
                        _ => throw bad($"an OrderedDict of {PickleNode.Describe(pair)}, wants pairs"),
                    };
                    charge(PickleMachine.CostOf(key), 0);
                    if (!dict.TryAdd(key, value))
                        throw bad("a key appears twice in an OrderedDict");
                }

                return dict;
            default:
                return null;
        }
    }

    private static object? Builtin(string name, object?[] items, Action<int, int> charge)
    {
        if (name == "bytearray" && items is [byte[] bytes])
            return bytes;
        if (name is not ("set" or "frozenset") || items is not [] and not [PickleList])
            return null;
        var set = new PickleList { IsSet = true };
        if (items is [PickleList list])
        {
            charge(list.Count, 0);
            foreach (var item in list.Items)
                set.Add(item);
        }

        return set;
    }

    private static PickleTensor Tensor(string name, object?[] items, Func<string, DataFormatException> bad, Action<int, int> charge)
    {
        switch (name)
        {
            case "_rebuild_tensor" when items is [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride]:
                return View(storage, storage.Type, offset, size, stride, null, bad, charge);
            case "_rebuild_tensor_v2" when items is [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride, bool, _, ..] && items.Length <= 7:
                return View(storage, storage.Type, offset, size, stride, items.Length == 7 ? items[6] as PickleDict : null, bad, charge);
            case "_rebuild_tensor_v3" when items is [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride, bool, _, var dtype, ..] && items.Length <= 8:
                var type = TorchType.Of(dtype) ?? throw bad($"a tensor of {PickleNode.Describe(dtype)}, which is no element type that is known");
                return View(storage, type, offset, size, stride, items.Length == 8 ? items[7] as PickleDict : null, bad, charge);
            case "_rebuild_parameter" or "_rebuild_parameter_with_state" when items is [PickleTensor inner, ..]:
                return inner;
            case "_rebuild_qtensor" when items is [PickleStorage storage, long, PickleTuple size, PickleTuple, ..]:
                return Unread($"quantised {storage.Type.Name}", size, "is quantised", "dequantize() the model in PyTorch and save it again", bad, charge);
            case "_rebuild_sparse_tensor" or "_rebuild_sparse_csr_tensor" when items is [var layout, PickleTuple { Items: [_, ..] parts }, ..]:
                return Unread(
                    layout is PickleRecord { Arguments: PickleTuple { Items: [string kind] } } ? kind : "sparse", parts.OfType<PickleTuple>().FirstOrDefault() ?? PickleTuple.Empty, "is sparse", "call to_dense() in PyTorch and save it again", bad, charge);
            case "_rebuild_meta_tensor_no_storage" when items is [var dtype, PickleTuple size, ..]:
                return Unread($"meta {TorchType.Of(dtype)?.Name ?? "tensor"}", size, "is on the device 'meta' and has no values", "save a model that was initialised", bad, charge);
            case "_rebuild_nested_tensor" or "_rebuild_wrapper_subclass" or "_rebuild_device_tensor_from_numpy" or "_rebuild_device_tensor_from_cpu_tensor":
                return Unread(name[9..], PickleTuple.Empty, $"is made by {name}", "save plain tensors: model.cpu().state_dict()", bad, charge);
            default:
                throw Wrong(new PickleGlobal("torch._utils", name), bad);
        }
    }

    private static PickleTensor View(
        PickleStorage storage, TorchType type, long offset, PickleTuple sizes, PickleTuple strides, PickleDict? flags, Func<string, DataFormatException> bad, Action<int, int> charge)
    {
        var shape = Shape(sizes, bad, charge);
        if (strides.Items.Length != shape.Length)
            throw bad($"a tensor of {shape.Length} dimensions with {strides.Items.Length} strides");
        var stride = new long[shape.Length];
        for (var i = 0; i < stride.Length; i++)
        {
            stride[i] = strides.Items[i] is long and >= 0 and var step
                ? step
                : throw bad($"stride {i} of a tensor is {Value(strides.Items[i])}, wants a whole number from 0");
        }

        if (offset < 0)
            throw bad($"a tensor starts at element {offset} of its storage, wants 0 or more");
        // Bytes without a type are counted in bytes.
        if (storage.Type != TorchType.Untyped && storage.Type != type)
            throw bad($"a tensor of {type.Name} on a storage of {storage.Type.Name}");
        var elements = storage.Type == TorchType.Untyped ? storage.Count / type.Size : storage.Count;
        Int128 last = offset;
        Int128 count = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            count *= shape[i];
            last += (Int128)(shape[i] - 1) * stride[i];
            if (count > long.MaxValue / 16)
                throw bad($"a tensor {Words()} has more values than any file");
        }

        if (count > 0 && last >= elements)
            throw bad($"a tensor {Words()} reaches element {last} of storage '{storage.Key}', which has {elements}");
        // Of an empty one nothing is read, from wherever; such an offset is damage all the same.
        if (offset > elements)
            throw bad($"a tensor {Words()} starts at element {offset} of storage '{storage.Key}', which has {elements}");
        var bytes = (long)count * type.Size;
        if (bytes > MaximumExpanded && bytes / MaximumRepeats > storage.Bytes)
            throw bad($"a tensor {Words()} repeats a storage of {storage.Bytes} bytes to {bytes}: save it with contiguous()");
        var negated = flags is not null && ((flags.TryGet("neg", out var neg) && neg is true) || (flags.TryGet("conj", out var conj) && conj is true));
        return new PickleTensor
        {
            Storage = storage,
            TypeName = negated ? "negated " + type.Name : type.Name,
            Type = negated ? null : type.Type,
            WhyNot = negated ? "is a view that changes signs; call resolve_neg() or resolve_conj() in PyTorch and save it again"
                : type.Type is null ? $"holds {type.Name}, which is not read (float64, float32, float16, bfloat16, int8 to int64, uint8 to uint64 and bool are); convert it to float32"
                : null,
            ElementSize = type.Size,
            Offset = offset,
            Shape = shape,
            Stride = stride,
            Count = (long)count,
        };

        string Words() => $"{type.Name} [{string.Join(", ", shape)}]";
    }

    private static PickleTensor Unread(string typeName, PickleTuple size, string what, string fix, Func<string, DataFormatException> bad, Action<int, int> charge)
    {
        var shape = Shape(size, bad, charge);
        return new PickleTensor { TypeName = typeName.Length > 40 ? typeName[..40] : typeName, Shape = shape, WhyNot = $"{what}, which is not read; {fix}" };
    }

    private static int[] Shape(PickleTuple sizes, Func<string, DataFormatException> bad, Action<int, int> charge)
    {
        if (sizes.Items.Length > MaximumRank)
            throw bad($"a tensor of {sizes.Items.Length} dimensions; at most {MaximumRank} are read");
        // A tensor that is made of remembered parts takes more than the few bytes that ask for it.
        charge(sizes.Items.Length + 4, 0);
        var shape = new int[sizes.Items.Length];
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = sizes.Items[i] is long and >= 0 and <= int.MaxValue and var size
                ? (int)size
                : throw bad($"dimension {i} of a tensor is {Value(sizes.Items[i])}, wants a whole number from 0 to {int.MaxValue}");
        }

        return shape;
    }

    private static string Value(object? value) => value is long number ? FormattableString.Invariant($"{number}") : PickleNode.Describe(value);

    private static DataFormatException Wrong(PickleGlobal function, Func<string, DataFormatException> bad) =>
        bad($"a call of {(function.Name.Length > 80 ? "torch._utils" : function)} that this version does not understand: save it with torch.save(model.state_dict(), FILE)");
}
