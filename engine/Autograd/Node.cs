namespace EscNative.Engine;

/// <summary>How one result was made: what it needs of its operands, and how a gradient flows back to them.</summary>
/// <remarks>
/// Reference-counted: the result's tensor and every node that uses it hold one reference, so a graph that is never run
/// backward gives its memory back as its last tensor is disposed. The count is atomic because a parameter's leaf is shared by
/// the forward passes of several threads; what a backward pass collects belongs to the pass.
/// </remarks>
internal abstract class Node
{
    private readonly Node?[] _inputs;
    private Tensor?[] _saved = [];
    private int _references = 1;

    // Backward passes that are in this node and keep it; Used: the one that is uses it up.
    private int _passes;
    private const int Used = -1;

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

    /// <summary>Lets a backward pass in, which uses the node up or keeps it.</summary>
    /// <exception cref="EscException">The node was used up, or a pass of another thread is in it that does not go with this one.</exception>
    public void Enter(bool uses)
    {
        if (this is LeafNode)
            return;
        int passes;
        do
        {
            passes = Volatile.Read(ref _passes);
            if (passes == Used || (uses && passes > 0))
            {
                throw new EscException(
                    ErrorCode.Usage,
                    $"Backward: the graph at {GetType().Name} {Shape} is being used by another thread's backward pass; keep it in both (retainGraph), or run the forward pass in each thread");
            }
        }
        while (Interlocked.CompareExchange(ref _passes, uses ? Used : passes + 1, passes) != passes);

        if (!Consumed)
            return;
        Leave(uses);
        throw new EscException(
            ErrorCode.Usage,
            $"Backward: the graph at {GetType().Name} {Shape} was already used by an earlier backward pass; run the forward pass again");
    }

    /// <summary>The end of what <see cref="Enter"/> began.</summary>
    public void Leave(bool uses)
    {
        if (this is LeafNode)
            return;
        if (uses)
            Volatile.Write(ref _passes, 0);
        else
            Interlocked.Decrement(ref _passes);
    }

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
        BackwardPass.Collect(node, gradient);
    }
}
