namespace EscNative.Engine.Formats;

/// <summary>What a pickle holds beside None (null), bool, long, BigInteger, double, string and byte[]: data, never something that runs.</summary>
internal abstract class PickleNode
{
    /// <summary>How deep it was nested when it was made; what is put into it later may be deeper.</summary>
    public int Depth { get; protected set; }

    /// <summary>The depth of any value.</summary>
    public static int DepthOf(object? value) => value is PickleNode node ? node.Depth : 0;

    /// <summary>A value in words, for messages; never longer than a line.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "None",
        bool => "a truth value",
        string => "a text",
        byte[] => "bytes",
        PickleTuple t => $"a tuple of {t.Items.Length}",
        PickleList { IsSet: true } s => $"a set of {s.Count}",
        PickleList l => $"a list of {l.Count}",
        PickleDict d => $"a dictionary of {d.Count}",
        PickleGlobal g => $"the name {g}",
        PickleRecord r => $"an object of {r.Class}",
        PickleTensor => "a tensor",
        PickleStorage => "a storage",
        _ => "a number",
    };
}

/// <summary>A tuple.</summary>
internal sealed class PickleTuple : PickleNode
{
    public static readonly PickleTuple Empty = new([]);

    public PickleTuple(object?[] items)
    {
        Items = items;
        foreach (var item in items)
            Depth = Math.Max(Depth, DepthOf(item) + 1);
    }

    public object?[] Items { get; }
}

/// <summary>A list, or a set.</summary>
internal sealed class PickleList : PickleNode
{
    private object?[] _items = [];

    public bool IsSet { get; init; }

    public int Count { get; private set; }

    public ReadOnlySpan<object?> Items => _items.AsSpan(0, Count);

    /// <summary>The texts among the items that are no longer than some length.</summary>
    public HashSet<string> Texts(int longest)
    {
        var texts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in Items)
        {
            if (item is string text && text.Length <= longest)
                texts.Add(text);
        }

        return texts;
    }

    public void Add(object? item)
    {
        if (Count == _items.Length)
            Array.Resize(ref _items, Math.Max(1, Count * 2));
        _items[Count++] = item;
        Depth = Math.Max(Depth, DepthOf(item) + 1);
    }
}

/// <summary>A dictionary in the order in which it was filled: of Python itself, an OrderedDict, a defaultdict or a Counter.</summary>
internal sealed class PickleDict : PickleNode
{
    // Smaller ones are searched from end to end: most have a few entries, and hostile files have a million of them.
    private const int Searched = 8;

    private (object? Key, object? Value)[] _pairs = [];
    private Dictionary<string, int>? _index;

    public int Count { get; private set; }

    public ReadOnlySpan<(object? Key, object? Value)> Pairs => _pairs.AsSpan(0, Count);

    /// <summary>Adds an entry.</summary>
    /// <returns>False where a text is a key already: no pickle that Python wrote has one twice.</returns>
    public bool TryAdd(object? key, object? value)
    {
        if (key is string text && !Index(text))
            return false;
        if (Count == _pairs.Length)
            Array.Resize(ref _pairs, Math.Max(1, Count * 2));
        _pairs[Count++] = (key, value);
        Depth = Math.Max(Depth, Math.Max(DepthOf(key), DepthOf(value)) + 1);
        return true;
    }

    /// <summary>Looks an entry up by its text.</summary>
    public bool TryGet(string key, out object? value)
    {
        var at = -1;
        if (_index is not null)
            at = _index.GetValueOrDefault(key, -1);
        else
            at = Search(key);
        value = at >= 0 ? _pairs[at].Value : null;
        return at >= 0;
    }

    private int Search(string key)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_pairs[i].Key is string text && text == key)
                return i;
        }

        return -1;
    }

    private bool Index(string key)
    {
        if (_index is null && Count < Searched)
            return Search(key) < 0;
        if (_index is null)
        {
            _index = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var i = 0; i < Count; i++)
            {
                if (_pairs[i].Key is string text)
                    _index.Add(text, i);
            }
        }

        return _index.TryAdd(key, Count);
    }
}

/// <summary>A name of a Python module: two texts, never looked up.</summary>
internal sealed class PickleGlobal(string module, string name) : PickleNode
{
    public string Module { get; } = module;

    public string Name { get; } = name;

    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>What calling a name, or making an object of a class, would have given: the name and what it was told.</summary>
internal sealed class PickleRecord : PickleNode
{
    public PickleRecord(object callable, object? arguments)
    {
        Callable = callable;
        Arguments = arguments;
        Depth = Math.Max(DepthOf(callable), DepthOf(arguments)) + 1;
    }

    /// <summary>A <see cref="PickleGlobal"/>, or a record of what gives one.</summary>
    public object Callable { get; }

    public object? Arguments { get; }

    public object? State { get; private set; }

    /// <summary>Entries, of classes that derive from dict.</summary>
    public PickleDict? Pairs { get; private set; }

    /// <summary>Items, of classes that derive from list.</summary>
    public PickleList? Items { get; private set; }

    /// <summary>The name that was called.</summary>
    public string Class
    {
        get
        {
            var callable = Callable;
            for (var steps = 0; steps < PickleMachine.MaximumDepth && callable is PickleRecord inner; steps++)
                callable = inner.Callable;
            return callable.ToString() ?? "";
        }
    }

    public void Build(object? state)
    {
        State = state;
        Depth = Math.Max(Depth, DepthOf(state) + 1);
    }

    public PickleDict OwnPairs() => Pairs ??= new PickleDict();

    public PickleList OwnItems() => Items ??= new PickleList();
}
