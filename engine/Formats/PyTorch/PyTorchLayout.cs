using System.Globalization;

namespace EscNative.Engine.Formats;

/// <summary>Which tensors of a checkpoint are the model's, under which names, and what else the file says.</summary>
internal sealed class PyTorchLayout
{
    private const int MaximumTensors = 100_000;
    private const int MaximumVisits = 100_000;
    private const int MaximumLooked = 1_000_000;
    private const int MaximumName = 1024;
    private const int MaximumNames = 16 << 20;
    private const int MaximumNesting = 4;
    private const int ShownNames = 8;
    private const int ShownText = 200;

    private readonly string _file;
    private readonly List<(string Name, PickleTensor Tensor)> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<object> _path = new(ReferenceEqualityComparer.Instance);
    private readonly List<string> _remarks = [];
    private int _visits;
    private int _looked;
    private int _written;

    private PyTorchLayout(string file) => _file = file;

    public IReadOnlyList<(string Name, PickleTensor Tensor)> Tensors => _tensors;

    public SortedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Remarks => _remarks;

    /// <exception cref="DataFormatException">There are no tensors, more than make a model, or two of one name.</exception>
    public static PyTorchLayout Of(object? root, string file)
    {
        var layout = new PyTorchLayout(file);
        layout.Take(root, "", 0);
        return layout._tensors.Count > 0 ? layout : throw layout.NoTensors(root);
    }

    private void Take(object? value, string where, int level)
    {
        switch (value)
        {
            case PickleTensor tensor:
                Add("tensor", tensor);
                break;
            case PickleRecord module when StateOf(module) is { } state:
                Metadata["pytorch.class"] = Shown(module.Class);
                foreach (var (key, setting) in state.Pairs)
                    Note("pytorch.module.", key, setting);
                if (where.Length > 0 || level == 0)
                    _remarks.Add($"A whole module of the class {Shown(module.Class)}{(where.Length > 0 ? $" under '{Shown(where)}'" : "")}: its tensors were read as data, its code is not here.");
                TakeModule(state, "", 0);
                break;
            case PickleDict dict:
                TakeDictionary(dict, where, level);
                break;
            case PickleRecord { Pairs: { } pairs }:
                TakeDictionary(pairs, where, level);
                break;
            case PickleTuple or PickleList:
                TakeSequence(value, where, level);
                break;
            default:
                throw NoTensors(value);
        }
    }

    private void TakeDictionary(PickleDict dict, string where, int level)
    {
        if (level == MaximumNesting)
            throw new DataFormatException(_file, null, $"weights that lie deeper than {MaximumNesting} dictionaries: save the state dict alone");
        // Tensors may stand beside the weights, such as the best accuracy; a state dict has no such key of its own.
        var candidates = Candidates(dict);
        if (HasTensors(dict) && !candidates.Exists(c => PyTorchKeys.Plain.Contains(c.Name)))
        {
            var left = new List<string>();
            foreach (var (key, value) in dict.Pairs)
            {
                var name = KeyText(key);
                if (value is PickleTensor tensor)
                    Add(name, tensor);
                else if (value is not null)
                    left.Add(name);
                if (level == 0)
                    Note("pytorch.", key, value);
            }

            Leave(left, "between the tensors");
            return;
        }

        if (level == 0)
        {
            foreach (var (key, value) in dict.Pairs)
                Note("pytorch.", key, value);
        }

        if (candidates.Count == 0)
        {
            var nested = new List<(string Name, object? Value)>();
            foreach (var (key, value) in dict.Pairs)
            {
                if (key is string name && MayHoldWeights(value, name, level))
                    nested.Add((name, value));
            }

            // Networks under names of their own: alone it is the model, several are taken by path.
            if (nested.Count > 1)
            {
                TakeAll(nested);
                return;
            }

            candidates = [.. nested];
        }

        if (candidates.Count == 0)
            throw NoTensors(dict);
        var (chosen, weights) = candidates[0];
        var path = where.Length > 0 ? $"{where}.{chosen}" : chosen;
        var others = new List<string>();
        foreach (var (key, value) in dict.Pairs)
        {
            if (KeyText(key) is var name && name != chosen && value is not null)
                others.Add(name);
        }

        if (candidates.Count > 1)
            _remarks.Add($"The weights are those under '{Shown(path)}'; there are others under {string.Join(", ", candidates.Skip(1).Take(ShownNames).Select(c => $"'{Shown(c.Name)}'"))}, which were not taken.");
        else
            _remarks.Add($"The weights are those under '{Shown(path)}'{(PyTorchKeys.IsAveraged(chosen) ? ", which are averaged over the training: there are no plain ones" : "")}.");
        var taken = candidates.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        Leave([.. others.Where(o => !taken.Contains(o))], "beside them");
        Take(weights, path, level + 1);
    }

    private List<(string Name, object? Value)> Candidates(PickleDict dict)
    {
        Look(dict.Count);
        var found = new List<(string Name, object? Value)>();
        foreach (var name in PyTorchKeys.Plain)
        {
            if (dict.TryGet(name, out var value) && MayHoldWeights(value, name, 0))
                found.Add((name, value));
        }

        foreach (var (key, value) in dict.Pairs)
        {
            if (value is PickleDict or PickleRecord && key is string name && PyTorchKeys.IsAveraged(name) && MayHoldWeights(value, name, 0))
                found.Add((name, value));
        }

        return found;
    }

    private void TakeAll(List<(string Name, object? Value)> nested)
    {
        _remarks.Add($"Several networks, taken by path: {string.Join(", ", nested.Take(ShownNames).Select(n => $"'{Shown(n.Name)}'"))}.");
        foreach (var (name, value) in nested)
            TakeTree(value, name, 0);
    }

    private void TakeTree(object? value, string path, int depth)
    {
        Visit(depth);
        switch (value)
        {
            case PickleTensor tensor:
                Add(path, tensor);
                break;
            case PickleRecord module when StateOf(module) is { } state:
                TakeModule(state, Joined(path, "."), depth + 1);
                break;
            case PickleDict dict when _path.Add(dict):
                Look(dict.Count);
                foreach (var (key, inner) in dict.Pairs)
                {
                    if (inner is PickleNode)
                        TakeTree(inner, Joined(Joined(path, "."), KeyText(key)), depth + 1);
                }

                _path.Remove(dict);
                break;
            case PickleDict:
                throw new DataFormatException(_file, null, $"'{Shown(path)}' holds itself");
        }
    }

    private void TakeSequence(object value, string where, int level)
    {
        var items = value is PickleTuple tuple ? tuple.Items : ((PickleList)value).Items;
        var weights = new List<(string Name, object? Value)>();
        Look(items.Length);
        for (var i = 0; i < items.Length; i++)
        {
            var name = i.ToString(CultureInfo.InvariantCulture);
            if (items[i] is PickleTensor tensor)
                Add(name, tensor);
            else if (MayHoldWeights(items[i], name, level))
                weights.Add((name, items[i]));
        }

        if (_tensors.Count > 0)
            return;
        if (weights.Count != 1 || level == MaximumNesting)
            throw NoTensors(value);
        _remarks.Add($"The weights are those of item {weights[0].Name} of {PickleNode.Describe(value)}.");
        Take(weights[0].Value, where, level + 1);
    }

    // PyTorch's order: a module's own parameters, its buffers that are saved, then its children.
    private void TakeModule(PickleDict state, string prefix, int depth)
    {
        Visit(depth);
        if (!_path.Add(state))
            throw new DataFormatException(_file, null, $"the module '{Shown(prefix)}' holds itself");
        var (parameters, buffers, modules) = (DictionaryOf(state, "_parameters"), DictionaryOf(state, "_buffers"), DictionaryOf(state, "_modules"));
        Look(parameters.Count + buffers.Count + modules.Count);
        foreach (var (key, value) in parameters.Pairs)
            AddOwn(key, value);
        var left = buffers.Count > 0 && state.TryGet("_non_persistent_buffers_set", out var names) ? names as PickleList : null;
        Look(left?.Count ?? 0);
        var notSaved = left?.Texts(MaximumName);
        foreach (var (key, value) in buffers.Pairs)
        {
            if (notSaved is null || key is not string { Length: <= MaximumName } text || !notSaved.Contains(text))
                AddOwn(key, value);
        }

        foreach (var (key, value) in modules.Pairs)
        {
            if (value is null)
                continue;
            var path = Joined(prefix, KeyText(key));
            TakeModule(value is PickleRecord child && StateOf(child) is { } inner
                ? inner
                : throw new DataFormatException(_file, null, $"'{Shown(path)}' is {PickleNode.Describe(value)}, wants a module"), Joined(path, "."), depth + 1);
        }

        _path.Remove(state);

        void AddOwn(object? key, object? value)
        {
            if (value is null)
                return;
            var name = Joined(prefix, KeyText(key));
            if (value is PickleTensor tensor)
                Add(name, tensor);
            else
                throw new DataFormatException(_file, null, $"'{Shown(name)}' is {PickleNode.Describe(value)}, wants a tensor: save the model's state_dict() instead");
        }
    }

    private void Add(string name, PickleTensor tensor)
    {
        if (_tensors.Count == MaximumTensors)
            throw new DataFormatException(_file, null, $"has more than {MaximumTensors} tensors");
        if (name.Length > MaximumName)
            throw TooLong(name.Length);
        if (!_names.Add(name))
            throw new DataFormatException(_file, null, $"two tensors are called '{Shown(name)}'");
        _tensors.Add((name, tensor));
    }

    private void Visit(int depth)
    {
        if (++_visits > MaximumVisits)
            throw new DataFormatException(_file, null, $"has more than {MaximumVisits} modules");
        if (depth > PickleMachine.MaximumDepth)
            throw new DataFormatException(_file, null, $"modules are nested more than {PickleMachine.MaximumDepth} deep");
    }

    // A dictionary may stand in many places of a file and cost nothing there: what is looked at counts each time.
    private void Look(int entries)
    {
        if ((_looked += entries) > MaximumLooked)
            throw new DataFormatException(_file, null, $"has more than {MaximumLooked} entries of dictionaries to look at");
    }

    // One text may be the key of every module: names are measured before they are made.
    private string Joined(string prefix, string key)
    {
        var length = prefix.Length + key.Length;
        if (length > MaximumName)
            throw TooLong(length);
        return (_written += length) <= MaximumNames
            ? prefix + key
            : throw new DataFormatException(_file, null, $"the names of its tensors have more than {MaximumNames} characters together");
    }

    private DataFormatException TooLong(int length) =>
        new(_file, null, $"the name of a tensor has {length} characters, at most {MaximumName} are accepted");

    private void Leave(List<string> names, string where)
    {
        if (names.Count > 0)
            _remarks.Add($"Left aside {where}, since it is no tensor of the model: {string.Join(", ", names.Take(ShownNames).Select(Shown))}{(names.Count > ShownNames ? $" and {names.Count - ShownNames} more" : "")}.");
    }

    private void Note(string prefix, object? key, object? value)
    {
        if (key is string name && name.Length <= 64 && !name.StartsWith('_') && Metadata.Count < 200 && TextOf(value) is { } text)
            Metadata[prefix + Shown(name)] = text;
    }

    private static string? TextOf(object? value) => value switch
    {
        bool truth => truth ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        string text => text.Length <= ShownText ? Shown(text) : null,
        PickleRecord scalar => NumpyScalar.TextOf(scalar),
        _ => null,
    };

    private static PickleDict? StateOf(PickleRecord record)
    {
        var state = record.State as PickleDict ?? (record.State as PickleTuple)?.Items.FirstOrDefault() as PickleDict;
        return state is not null && state.TryGet("_modules", out _) && state.TryGet("_parameters", out _) ? state : null;
    }

    private PickleDict DictionaryOf(PickleDict state, string key)
    {
        state.TryGet(key, out var value);
        return value switch
        {
            PickleDict dict => dict,
            PickleRecord { Pairs: { } pairs } => pairs,
            null => new PickleDict(),
            _ => throw new DataFormatException(_file, null, $"a module's '{key}' is {PickleNode.Describe(value)}, wants a dictionary"),
        };
    }

    private static bool HasTensors(PickleDict dict)
    {
        foreach (var (_, value) in dict.Pairs)
        {
            if (value is PickleTensor)
                return true;
        }

        return false;
    }

    private bool MayHoldWeights(object? value, object? key, int level)
    {
        if (value is not (PickleDict or PickleRecord) || (key is string name && PyTorchKeys.IsNoWeights(name)))
            return false;
        switch (value)
        {
            case PickleRecord record when StateOf(record) is not null:
                return true;
            case PickleDict dict when level < MaximumNesting:
                Visit(0);
                if (HasTensors(dict))
                    return true;
                Look(dict.Count);
                foreach (var (own, inner) in dict.Pairs)
                {
                    if (MayHoldWeights(inner, own, level + 1))
                        return true;
                }

                return false;
            case PickleRecord { Pairs: { } pairs } when level < MaximumNesting:
                return MayHoldWeights(pairs, key, level);
            default:
                return false;
        }
    }

    private static string KeyText(object? key) => key switch
    {
        string text => text,
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => "(a key that is no text)",
    };

    private static string Shown(string text) => new([.. text.Take(ShownText).Select(c => char.IsControl(c) ? '?' : c)]);

    private DataFormatException NoTensors(object? root) =>
        new(_file, null, $"holds {PickleNode.Describe(root)}{Keys(root)} and no tensors of a model; wants a state dict: torch.save(model.state_dict(), FILE)");

    private static string Keys(object? root) => root is PickleDict { Count: > 0 } dict
        ? $" ({string.Join(", ", dict.Pairs[..Math.Min(dict.Count, ShownNames)].ToArray().Select(p => Shown(KeyText(p.Key))))})"
        : "";
}
