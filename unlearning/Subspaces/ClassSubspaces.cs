namespace EscNative.Unlearning.Subspaces;

/// <summary>
/// One <see cref="SubspaceAccumulator"/> per class: kept beside a model it answers an erasure request without a forward pass.
/// </summary>
/// <remarks>Memory: (number of classes) d² doubles. A class's Gram matrix is itself knowledge about the class: delete it with
/// the class. (The erased directions that stay in a model file are a trace too.)</remarks>
public sealed class ClassSubspaces
{
    private readonly SortedDictionary<int, SubspaceAccumulator> _classes = [];

    /// <summary>An empty one.</summary>
    /// <param name="dimension">d, the length of a feature.</param>
    /// <exception cref="UsageException">d is less than 1.</exception>
    public ClassSubspaces(int dimension)
    {
        if (dimension < 1)
            throw new UsageException($"class subspaces: got dimension {dimension}, wants at least 1");
        Dimension = dimension;
    }

    /// <summary>d, the length of a feature.</summary>
    public int Dimension { get; }

    /// <summary>The classes that have rows, ascending.</summary>
    public IReadOnlyCollection<int> Classes => _classes.Keys;

    /// <summary>The accumulator of one class.</summary>
    /// <param name="label">The class.</param>
    /// <exception cref="UsageException">It has no rows here.</exception>
    public SubspaceAccumulator this[int label] => _classes.TryGetValue(label, out var found) ? found : throw Unknown(label);

    /// <summary>Adds labelled feature rows.</summary>
    /// <param name="rows">[labels.Length, d] row-major.</param>
    /// <param name="labels">The class of each row, 0 or more.</param>
    /// <exception cref="UsageException">Sizes that do not fit, or a negative label.</exception>
    /// <exception cref="EscException">A feature that is not finite (bad input); nothing was added then.</exception>
    public void Add(ReadOnlySpan<float> rows, ReadOnlySpan<int> labels)
    {
        if (rows.Length != (long)labels.Length * Dimension)
            throw new UsageException($"features: got {rows.Length} values for {labels.Length} labels, wants rows of {Dimension}");
        foreach (var label in labels)
        {
            if (label < 0)
                throw new UsageException($"labels: got {label}, wants 0 or more");
        }

        FeatureCheck.Finite(rows, Dimension, _classes.Values.Sum(c => c.Count));
        for (var i = 0; i < labels.Length; i++)
        {
            if (!_classes.TryGetValue(labels[i], out var accumulator))
                _classes.Add(labels[i], accumulator = new SubspaceAccumulator(Dimension));
            accumulator.AddFinite(rows.Slice(i * Dimension, Dimension), 1);
        }
    }

    /// <summary>The rows of several classes together; the same bits whatever the order in which they are named.</summary>
    /// <param name="labels">The classes; a repeated one counts once.</param>
    /// <exception cref="UsageException">None is named, or one has no rows here.</exception>
    public SubspaceAccumulator Union(IEnumerable<int> labels)
    {
        var wanted = new SortedSet<int>(labels);
        if (wanted.Count == 0)
            throw new UsageException("union of class subspaces: no class is named");
        foreach (var label in wanted.Where(label => !_classes.ContainsKey(label)))
            throw Unknown(label);
        var result = new SubspaceAccumulator(Dimension);
        foreach (var label in wanted)
            result.Merge(_classes[label]);
        return result;
    }

    /// <summary>Overwrites a class's Gram matrix with zeros and forgets it.</summary>
    /// <param name="label">The class.</param>
    /// <exception cref="UsageException">It has no rows here.</exception>
    public void Delete(int label)
    {
        this[label].Clear();
        _classes.Remove(label);
    }

    private UsageException Unknown(int label) => new(
        $"class {label}: no features were gathered for it; there are {(_classes.Count == 0 ? "none at all" : string.Join(", ", _classes.Keys))}");
}
