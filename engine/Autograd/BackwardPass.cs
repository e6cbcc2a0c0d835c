using System.Runtime.InteropServices;

namespace EscNative.Engine;

/// <summary>Walks the graph once, results before operands, and frees it on the way unless it is to be kept.</summary>
/// <remarks>
/// All state of a pass is here and none in the nodes: passes of several threads share the leaves of their parameters, and may share a
/// graph that all of them keep. A pass that uses its graph up has it alone: it enters every node before it changes anything, and is
/// refused where another pass has been, or is.
/// </remarks>
internal sealed class BackwardPass
{
    // The pass that this thread is in: what a node sends goes to it.
    [ThreadStatic]
    private static BackwardPass? _current;

    private readonly bool _uses;

    // Operands before results. The gradient collected so far, owned by the pass, has its node's place; null where there is none.
    private readonly List<Node> _order = [];
    private readonly List<Tensor?> _gradients = [];
    private readonly Dictionary<Node, int> _places = [];

    private BackwardPass(bool uses) => _uses = uses;

    public static Gradients Run(Node root, Tensor seed, bool retainGraph)
    {
        var pass = new BackwardPass(uses: !retainGraph);
        var outer = _current;
        // Whoever disposes the result meanwhile does not take the graph away.
        root.Share();
        try
        {
            pass.Enter(root);
            _current = pass;
            return pass.Walk(seed);
        }
        finally
        {
            _current = outer;
            pass.End();
            root.Release();
        }
    }

    /// <summary>Adds a gradient to what an operand has collected in this thread's pass.</summary>
    public static void Collect(Node operand, Tensor gradient)
    {
        var pass = _current!;
        ref var sum = ref CollectionsMarshal.AsSpan(pass._gradients)[pass._places[operand]];
        if (sum is null)
        {
            sum = gradient.Alias();
        }
        else if (sum.Storage.IsExclusive && sum.IsContiguous)
        {
            using var addend = gradient.IsContiguous ? gradient.Alias() : gradient.CopyContiguous(scoped: false);
            sum.Backend.AddInto(sum, addend);
        }
        else
        {
            var total = (sum + gradient).Alias();
            sum.Dispose();
            sum = total;
        }
    }

    private Gradients Walk(Tensor seed)
    {
        var found = new Dictionary<Node, Tensor>();
        using var noGrad = Tensor.NoGrad();
        try
        {
            _gradients[^1] = seed.Alias();
            for (var i = _order.Count - 1; i >= 0; i--)
            {
                if (_gradients[i] is not { } dy)
                    continue;
                _gradients[i] = null;
                var node = _order[i];
                using (dy)
                {
                    if (node is LeafNode)
                    {
                        // Never memory that the seed, a forward tensor or another gradient has too: who changes one would change both.
                        found.Add(node, dy.IsContiguous && dy.Storage.IsExclusive ? dy.Alias() : dy.CopyContiguous(scoped: false));
                        continue;
                    }

                    using (Tensor.Scope())
                        node.Backward(dy);
                }

                if (_uses)
                    node.Consume();
            }

            return new Gradients(found);
        }
        catch
        {
            foreach (var gradient in found.Values)
                gradient.Dispose();
            throw;
        }
    }

    /// <summary>Enters every node and brings them into order; depth first without recursion.</summary>
    private void Enter(Node root)
    {
        var stack = new Stack<(Node Node, int Next)>();
        Push(root);
        while (stack.TryPop(out var entry))
        {
            var (node, next) = entry;
            if (next == node.Inputs.Length)
            {
                _places[node] = _order.Count;
                _order.Add(node);
                _gradients.Add(null);
                continue;
            }

            stack.Push((node, next + 1));
            if (node.Inputs[next] is { } input && !_places.ContainsKey(input))
                Push(input);
        }

        void Push(Node node)
        {
            node.Enter(_uses);
            _places.Add(node, -1);
            stack.Push((node, 0));
        }
    }

    private void End()
    {
        foreach (var gradient in _gradients)
            gradient?.Dispose();
        foreach (var node in _places.Keys)
            node.Leave(_uses);
    }
}
