namespace EscNative.Engine.Autograd;

/// <summary>How one result was made: what it needs of its operands, and how a gradient flows back to them.</summary>
/// <remarks>
/// Reference-counted: the result's tensor and every node that uses it hold one reference, so a graph that is never run
/// backward gives its memory back as its last tensor is disposed. The count is atomic because a parameter's leaf is shared by
/// the forward passes of several threads.
/// </remarks>
internal abstract class Node
{
    private readonly Node?[] _inputs;
    private Tensor?[] _saved = [];
    private int _references = 1;

    /// <param name="shape">The result's shape.</param>
    /// <param name="inputs">The operands; those without a node get no gradient.</param>
    protected Node(Shape shape, params ReadOnlySpan<Tensor> inputs)
    {
        Shape = shape;
        _inputs = inputs.Length == 0 ? [] : new Node?[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].Node is { } node)
            {
                Interlocked.Increment(ref node._references);
                _inputs[i] = node;
            }
        }
    }

    public Shape Shape { get; }

    public ReadOnlySpan<Node?> Inputs => _inputs;

    /// <summary>Whether the backward pass has been here: what was saved is gone.</summary>
    public bool Consumed { get; private set; }

    /// <summary>The gradient collected so far, owned by this node while a pass runs.</summary>
    public Tensor? Gradient { get; set; }

    /// <summary>The number of the pass that visited this node last.</summary>
    public long Mark { get; set; }

    /// <summary>Whether any operand wants a gradient.</summary>
    public static bool Wanted(params ReadOnlySpan<Tensor> inputs)
    {
        if (NoGradScope.Active)
            return false;
        foreach (var input in inputs)
        {
            if (input.Node is not null)
                return true;
        }

        return false;
    }

    /// <summary>Sends the result's gradient <paramref name="dy"/> to the operands through <see cref="Send"/>.</summary>
    public abstract void Backward(Tensor dy);

    /// <summary>Gives back what was saved.</summary>
    public void Consume()
    {
        foreach (var tensor in _saved)
            tensor?.Dispose();
        _saved = [];
        Consumed = true;
    }

    /// <summary>One more tensor stands for this result.</summary>
    public Node Share()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
            return;
        // A stack instead of recursion: a long chain of operations must not overflow the thread's stack.
        var pending = new Stack<Node>();
        pending.Push(this);
        while (pending.TryPop(out var node))
        {
            node.Consume();
            foreach (var input in node._inputs)
            {
                if (input is not null && Interlocked.Decrement(ref input._references) == 0)
                    pending.Push(input);
            }
        }
    }

    /// <summary>Keeps values for the backward pass; null where no gradient will ask for them.</summary>
    protected void Save(params ReadOnlySpan<Tensor?> tensors)
    {
        _saved = new Tensor?[tensors.Length];
        for (var i = 0; i < tensors.Length; i++)
            _saved[i] = tensors[i]?.Alias();
    }

    /// <summary>Where a gradient of the shape of <paramref name="dy"/> may go: over dy itself if nobody else sees that memory.</summary>
    /// <param name="dy">Contiguous. For kernels whose result may lie over it.</param>
    protected static Tensor Overwrite(Tensor dy, string operation) => dy.Storage.IsExclusive ? dy : dy.AllocateLike(operation);

    protected Tensor Saved(int index) =>
        _saved[index] ?? throw new InvalidOperationException($"{GetType().Name}: value {index} was not kept");

    protected bool Wants(int input) => _inputs[input] is not null;

    /// <summary>Adds <paramref name="gradient"/> to what operand <paramref name="input"/> has collected.</summary>
    protected void Send(int input, Tensor gradient)
    {
        if (_inputs[input] is not { } node)
            return;
        if (gradient.Shape != node.Shape)
            throw new ShapeException($"{GetType().Name}: gradient {gradient.Shape} for an operand of {node.Shape}");
        if (node.Gradient is not { } sum)
        {
            node.Gradient = gradient.Alias();
        }
        else if (sum.Storage.IsExclusive && sum.IsContiguous)
        {
            using var addend = gradient.IsContiguous ? gradient.Alias() : gradient.CopyContiguous(scoped: false);
            sum.Backend.AddInto(sum, addend);
        }
        else
        {
            node.Gradient = (sum + gradient).Alias();
            sum.Dispose();
        }
    }
}
