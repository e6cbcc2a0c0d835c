namespace EscNative.Tests.Layering;

/// <summary>Which namespaces use which, with the types by which they do.</summary>
internal sealed class NamespaceGraph
{
    private readonly SortedDictionary<string, SortedDictionary<string, SortedSet<string>>> _edges = new(StringComparer.Ordinal);

    /// <summary>The namespaces, those that are only used too.</summary>
    public IReadOnlyCollection<string> Names => _edges.Keys;

    /// <summary>Notes that a type uses one of another namespace.</summary>
    public void Add(string from, string to, string example)
    {
        var targets = TargetsOf(from);
        TargetsOf(to);
        if (from == to)
            return;
        if (!targets.TryGetValue(to, out var examples))
            targets.Add(to, examples = new SortedSet<string>(StringComparer.Ordinal));
        examples.Add(example);
    }

    /// <summary>The circles: largest sets of two or more namespaces that all reach one another.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Circles()
    {
        var reach = Names.ToDictionary(name => name, Reach);
        var circles = new List<IReadOnlyList<string>>();
        foreach (var name in Names.Where(name => reach[name].Contains(name)))
        {
            if (!circles.Any(circle => circle.Contains(name)))
                circles.Add([.. Names.Where(other => reach[name].Contains(other) && reach[other].Contains(name))]);
        }

        return circles;
    }

    /// <summary>Every edge within a circle in words, with how many pairs of types make it and the first of them.</summary>
    public IEnumerable<string> Describe(IReadOnlyList<string> circle) =>
        from name in circle
        from edge in _edges[name]
        where circle.Contains(edge.Key)
        select $"{name} -> {edge.Key}: {edge.Value.Count}, such as {edge.Value.Min}";

    // What a namespace comes to by one edge or more.
    private HashSet<string> Reach(string name)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>([name]);
        while (open.TryPop(out var next))
        {
            foreach (var target in _edges[next].Keys.Where(seen.Add))
                open.Push(target);
        }

        return seen;
    }

    private SortedDictionary<string, SortedSet<string>> TargetsOf(string name)
    {
        if (!_edges.TryGetValue(name, out var targets))
            _edges.Add(name, targets = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal));
        return targets;
    }
}
