namespace EscNative.Engine;

/// <summary>Disposes every tensor that was made on this thread since the scope began, the kept ones apart.</summary>
/// <remarks>Begin one with <see cref="Tensor.Scope"/> in a <c>using</c> statement. Bound to its thread: it cannot cross an
/// <c>await</c>, which the compiler enforces.</remarks>
public readonly ref struct TensorScope
{
    [ThreadStatic]
    private static List? _current;

    [ThreadStatic]
    private static List? _spare;

    private readonly List _tensors;
    private readonly long _generation;

    private TensorScope(List tensors) => (_tensors, _generation) = (tensors, tensors.Generation);

    internal static List? Current => _current;

    internal static TensorScope Begin()
    {
        var list = _spare ?? new List();
        _spare = list.Spare;
        list.Spare = null;
        list.Parent = _current;
        _current = list;
        return new TensorScope(list);
    }

    /// <summary>Hands a tensor to the enclosing scope, or to the caller where there is none.</summary>
    /// <returns>The same tensor.</returns>
    public Tensor Keep(Tensor tensor)
    {
        if (tensor.Owner == _tensors)
        {
            tensor.Owner = null;
            _tensors.Parent?.Add(tensor);
        }

        return tensor;
    }

    /// <summary>Disposes what was not kept. Scopes inside that are still open end too; a second call does nothing.</summary>
    public void Dispose()
    {
        // Lists are reused: after the scope has ended, its list may serve another.
        if (_tensors is null || _tensors.Generation != _generation)
            return;
        while (_current is { } open && open != _tensors)
            End(open);
        End(_tensors);
    }

    private static void End(List list)
    {
        _current = list.Parent;
        list.DisposeAll();
        list.Parent = null;
        list.Spare = _spare;
        _spare = list;
    }

    internal sealed class List
    {
        private const int SmallestSweep = 1024;

        private readonly List<Tensor> _tensors = [];
        private int _sweepAt = SmallestSweep;

        /// <summary>How many tensors are remembered, disposed ones among them.</summary>
        public int Count => _tensors.Count;

        public List? Parent { get; set; }

        /// <summary>How many scopes have ended with this list.</summary>
        public long Generation { get; private set; }

        // Lists are reused: a scope per operation must not allocate.
        public List? Spare { get; set; }

        public void Add(Tensor tensor)
        {
            // A long scope must not hold on to the tensors that were disposed within it, one by one.
            if (_tensors.Count >= _sweepAt)
            {
                _tensors.RemoveAll(t => t.Owner != this || t.IsDisposed);
                _sweepAt = Math.Max(2 * _tensors.Count, SmallestSweep);
            }

            tensor.Owner = this;
            _tensors.Add(tensor);
        }

        public void DisposeAll()
        {
            foreach (var tensor in _tensors)
            {
                if (tensor.Owner == this)
                    tensor.Dispose();
            }

            _tensors.Clear();
            _sweepAt = SmallestSweep;
            Generation++;
        }
    }
}
