using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace EscNative.Engine.Formats;

/// <summary>
/// Reads a pickle of Python as data. No name is ever looked up and nothing is called: a call becomes a record of what would have been called,
/// and the few names that tensors are made of are understood (<see cref="PickleCalls"/>).
/// </summary>
/// <remarks>The instructions of protocols 2 to 5 that PyTorch's files have; every size is bounded.</remarks>
/// <param name="source">The bytes.</param>
/// <param name="file">The file, for messages.</param>
/// <param name="persistent">Gives what a persistent id means.</param>
internal sealed class PickleMachine(ByteSource source, string file, Func<PickleTuple, long, object?> persistent)
{
    public const int MaximumDepth = 256;
    public const long MaximumLength = 64L << 20;
    private const int MaximumMemo = 1_000_000;
    private const int MaximumStack = 100_000;
    private const int MaximumMade = 500_000;
    private const int MaximumPushed = 1_000_000;
    private const int MaximumText = 1 << 20;
    private const int MaximumTexts = 16 << 20;
    private const int MaximumLong = 64;
    private const int MaximumLine = 1024;

    private static readonly object True = true;
    private static readonly object False = false;
    private static readonly object[] Small = [.. Enumerable.Range(0, 256).Select(i => (object)(long)i)];
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly long _start = source.Offset;
    private object?[] _memo = [];
    private int _memoCount;
    private byte[] _scratch = [];
    private int _made;
    private int _pushed;
    private int _texts;
    private long _at;

    /// <summary>What looking a key up costs, in values: a long text is work each time.</summary>
    public static int CostOf(object? key) => key is string text ? text.Length / 64 : 0;

    /// <summary>Reads one pickle, up to and with its last byte.</summary>
    /// <exception cref="DataFormatException">It is damaged, holds something that no checkpoint has, or is larger than is accepted.</exception>
    public object? Read()
    {
        var first = true;
        while (true)
        {
            _at = source.Offset;
            if (_at - _start > MaximumLength)
                throw Bad($"the pickle has more than {MaximumLength} bytes");
            var code = source.Next();
            if (code < 0)
                throw Bad("the pickle ends before its last instruction: the file is truncated");
            if (first != (code == 0x80))
                throw Bad(first ? $"not a pickle: it starts with byte {code:x2}, wants 80 (protocol 2 or later)" : "a pickle inside of a pickle");
            first = false;
            if (code == '.')
            {
                if (_stack.Count != 1 || _marks.Count != 0)
                    throw Bad($"the pickle ends with {_stack.Count} values, wants one");
                return _stack[0];
            }

            Step(code);
        }
    }

    private void Step(int code)
    {
        switch (code)
        {
            case 0x80:
                if (Byte() is var protocol and not (>= 2 and <= 5))
                    throw Bad($"a pickle of protocol {protocol}; 2 to 5 are read: save it with torch.save and no pickle_protocol");
                break;
            case 0x95: // FRAME
                if (U64() is var frame && frame > (ulong)MaximumLength)
                    throw Bad($"a frame of {frame} bytes; at most {MaximumLength} are accepted");
                break;
            case '(':
                if (_marks.Count == MaximumStack)
                    throw Bad($"more than {MaximumStack} marks");
                _marks.Add(_stack.Count);
                break;
            case '}': Push(Made(new PickleDict())); break;
            case ']': Push(Made(new PickleList())); break;
            case 0x8f: Push(Made(new PickleList { IsSet = true })); break;
            case ')': Push(PickleTuple.Empty); break;
            case 't': PushTuple(AfterMark()); break;
            case >= 0x85 and <= 0x87: PushTuple(Pop(code - 0x84)); break;
            case 's': SetItems(Pop(2)); break;
            case 'u': SetItems(AfterMark()); break;
            case 'a': Append(Pop(1), set: false); break;
            case 'e': Append(AfterMark(), set: false); break;
            case 0x90: Append(AfterMark(), set: true); break;
            case 'X': Push(Made(Text(U32()))); break;
            case 0x8c: Push(Made(Text((uint)Byte()))); break;
            case 0x8d: Push(Made(Text(U64()))); break;
            case 'U': Push(Made(Encoding.Latin1.GetString(Scratch((ulong)Byte())))); break;
            case 'T': Push(Made(Encoding.Latin1.GetString(Scratch(U32())))); break;
            case 'C': Push(Made(Bytes((ulong)Byte()))); break;
            case 'B': Push(Made(Bytes(U32()))); break;
            case 'J': Push(Number((int)U32())); break;
            case 'K': Push(Number(Byte())); break;
            case 'M': Push(Number(Byte() | (Byte() << 8))); break;
            case 0x8a: Push(Long((uint)Byte())); break;
            case 0x8b: Push(Long(U32())); break;
            case 'G': Push(Made(BinaryPrimitives.ReadDoubleBigEndian(Fixed(stackalloc byte[8])))); break;
            case 'N': Push(null); break;
            case 0x88: Push(True); break;
            case 0x89: Push(False); break;
            case 'c': Push(Global(Line(), Line())); break;
            case 0x93: PushStackGlobal(); break;
            case 'R': PushCall(isNew: false); break;
            case 0x81: PushCall(isNew: true); break;
            case 'b': Build(); break;
            case 'Q': PushPersistent(); break;
            case 'q': Memoize((uint)Byte()); break;
            case 'r': Memoize(U32()); break;
            case 0x94: Memoize((uint)_memoCount); break;
            case 'h': Push(Remembered((uint)Byte())); break;
            case 'j': Push(Remembered(U32())); break;
            default:
                throw Bad(PickleOpcodes.Refusal(code));
        }
    }

    private void PushTuple(object?[] items)
    {
        var tuple = items.Length == 0 ? PickleTuple.Empty : new PickleTuple(items);
        CheckDepth(tuple);
        Push(Made(tuple));
    }

    private void SetItems(object?[] items)
    {
        if (items.Length % 2 != 0)
            throw Bad("a key without a value");
        var target = Top() switch
        {
            PickleDict dict => dict,
            PickleRecord record => record.OwnPairs(),
            var other => throw Bad($"a key is set in {PickleNode.Describe(other)}, wants a dictionary"),
        };
        for (var i = 0; i < items.Length; i += 2)
        {
            if (items[i] is PickleDict or PickleList)
                throw Bad($"{PickleNode.Describe(items[i])} is a key; Python has no such dictionaries");
            Charge(CostOf(items[i]), 0);
            if (!target.TryAdd(items[i], items[i + 1]))
                throw Bad($"the key '{Shown((string)items[i]!)}' appears twice in a dictionary");
        }

        CheckDepth(target);
    }

    private void Append(object?[] items, bool set)
    {
        var target = Top() switch
        {
            PickleList list when list.IsSet == set => list,
            PickleRecord record when !set => record.OwnItems(),
            var other => throw Bad($"an item is added to {PickleNode.Describe(other)}, wants {(set ? "a set" : "a list")}"),
        };
        foreach (var item in items)
            target.Add(item);
        CheckDepth(target);
    }

    private void PushStackGlobal()
    {
        var names = Pop(2);
        if (names is not [string module, string name] || module.Length > MaximumLine || name.Length > MaximumLine)
            throw Bad($"a name of {PickleNode.Describe(names[0])} and {PickleNode.Describe(names[1])}, wants two texts");
        Push(Global(module, name));
    }

    private PickleGlobal Global(string module, string name)
    {
        Charge(CostOf(module) + CostOf(name), 0);
        if (PickleOpcodes.IsDangerous(module, name))
            throw Bad($"it would make Python run {Shown(module)}.{Shown(name)}: that is no model but an attack; nothing was run here, and torch.load or pickle.load must not read it either");
        return Made(new PickleGlobal(module, name));
    }

    private void PushCall(bool isNew)
    {
        var (callable, arguments) = Pop(2) is [PickleGlobal or PickleRecord, PickleTuple] call
            ? (call[0]!, (PickleTuple)call[1]!)
            : throw Bad($"{(isNew ? "an object is made of" : "a call of")} something that is no name");
        var made = callable is PickleGlobal global && !isNew ? PickleCalls.Interpret(global, arguments, Bad, Charge) : null;
        made ??= new PickleRecord(callable, arguments);
        CheckDepth(made);
        Push(Made(made));
    }

    private void Build()
    {
        var state = Pop(1)[0];
        switch (Top())
        {
            case PickleRecord record:
                record.Build(state);
                CheckDepth(record);
                break;
            case PickleDict or PickleTensor:
                // What is written on a state dict beside its entries is the versions of the modules; on a tensor, Python's attributes.
                break;
            case var other:
                throw Bad($"a state is given to {PickleNode.Describe(other)}, wants an object");
        }
    }

    private void PushPersistent()
    {
        if (Pop(1)[0] is not PickleTuple id)
            throw Bad("a persistent id that is no tuple; PyTorch's are");
        foreach (var item in id.Items)
            Charge(CostOf(item), 0);
        Push(Made(persistent(id, _at)));
    }

    private void Memoize(uint index)
    {
        if (index >= MaximumMemo)
            throw Bad($"value {index} is remembered; at most {MaximumMemo} are accepted");
        if (index >= _memo.Length)
            Array.Resize(ref _memo, (int)Math.Min(Math.Max(index + 1, (2L * _memo.Length) + 16), MaximumMemo));
        // None is a value too, and one that was never remembered is told apart by its count.
        _memo[index] = Top() ?? DBNull.Value;
        _memoCount++;
    }

    private object? Remembered(uint index)
    {
        var value = index < _memo.Length ? _memo[index] : null;
        return value is null ? throw Bad($"value {index} is asked for and was never remembered") : value == DBNull.Value ? null : value;
    }

    private void Push(object? value)
    {
        if (_stack.Count == MaximumStack)
            throw Bad($"more than {MaximumStack} values wait on the stack");
        if (++_pushed > MaximumPushed)
            throw Bad($"the pickle has more than {MaximumPushed} values");
        _stack.Add(value);
    }

    // What is remembered is asked for again with two bytes: whatever is done with all of it counts as that much read.
    private void Charge(int values, int bytes)
    {
        if ((_pushed += values) > MaximumPushed)
            throw Bad($"the pickle has more than {MaximumPushed} values");
        if ((_texts += bytes) > MaximumTexts)
            throw Bad($"texts of more than {MaximumTexts} bytes together");
    }

    private T Made<T>(T value) => ++_made <= MaximumMade ? value : throw Bad($"the pickle makes more than {MaximumMade} values");

    private object? Top() => _stack.Count > Floor ? _stack[^1] : throw Bad("the stack is empty: the pickle is damaged");

    // What stands below the last mark is not within reach.
    private int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    private object?[] Pop(int count)
    {
        var from = _stack.Count - count;
        return from >= Floor ? TakeFrom(from) : throw Bad("the stack is empty: the pickle is damaged");
    }

    private object?[] AfterMark()
    {
        if (_marks.Count == 0)
            throw Bad("there is no mark: the pickle is damaged");
        var from = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return TakeFrom(from);
    }

    private object?[] TakeFrom(int from)
    {
        var items = CollectionsMarshal.AsSpan(_stack)[from..].ToArray();
        _stack.RemoveRange(from, items.Length);
        return items;
    }

    private void CheckDepth(object? value)
    {
        if (PickleNode.DepthOf(value) > MaximumDepth)
            throw Bad($"values are nested more than {MaximumDepth} deep");
    }

    private object Number(long value) => value is >= 0 and < 256 ? Small[value] : Made((object)value);

    private object Long(uint length)
    {
        if (length > MaximumLong)
            throw Bad($"an integer of {length} bytes; at most {MaximumLong} are accepted");
        var value = new BigInteger(Fixed(stackalloc byte[(int)length]));
        return value >= long.MinValue && value <= long.MaxValue ? Number((long)value) : Made((object)value);
    }

    private string Text(ulong length)
    {
        try
        {
            return Utf8.GetString(Scratch(length));
        }
        catch (DecoderFallbackException)
        {
            throw Bad("a text that is no UTF-8");
        }
    }

    private byte[] Bytes(ulong length)
    {
        CheckText(length);
        var bytes = new byte[length];
        Fixed(bytes);
        return bytes;
    }

    // Texts are decoded from here, and are in memory only once.
    private Span<byte> Scratch(ulong length)
    {
        CheckText(length);
        if (_scratch.Length < (int)length)
            _scratch = new byte[Math.Max((int)length, 256)];
        return Fixed(_scratch.AsSpan(0, (int)length));
    }

    private void CheckText(ulong length)
    {
        if (length > MaximumText)
            throw Bad($"a text of {length} bytes; at most {MaximumText} are accepted");
        if ((_texts += (int)length) > MaximumTexts)
            throw Bad($"texts of more than {MaximumTexts} bytes together");
    }

    private string Line()
    {
        Span<byte> line = stackalloc byte[MaximumLine];
        for (var i = 0; i < line.Length; i++)
        {
            var next = Byte();
            if (next == '\n')
            {
                var text = Encoding.UTF8.GetString(line[..i]);
                return text.Any(char.IsControl) ? throw Bad("a name with control characters") : text;
            }

            line[i] = (byte)next;
        }

        throw Bad($"a name of more than {MaximumLine} bytes");
    }

    private int Byte() => source.Next() is var next and >= 0 ? next : throw Bad("the pickle ends within an instruction: the file is truncated");

    private uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Fixed(stackalloc byte[4]));

    private ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Fixed(stackalloc byte[8]));

    private Span<byte> Fixed(Span<byte> into)
    {
        for (var filled = 0; filled < into.Length;)
        {
            if (!source.Fill())
                throw Bad("the pickle ends within an instruction: the file is truncated");
            var part = source.Ready[..Math.Min(source.Ready.Length, into.Length - filled)];
            part.CopyTo(into[filled..]);
            source.Skip(part.Length);
            filled += part.Length;
        }

        return into;
    }

    // Texts of a file may hold what drives a terminal, or be long.
    private static string Shown(string text) => new([.. text.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);

    private DataFormatException Bad(string rule) => new(file, _at, rule);
}
