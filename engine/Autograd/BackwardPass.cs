namespace EscNative.Engine.Autograd;

/// <summary>Walks the graph once, results before operands, and frees it on the way unless it is to be kept.</summary>
internal static class BackwardPass
{
    private static long _passes;

    public static Gradients Run(Node root, Tensor seed, bool retainGraph)
    {
        var mark = Interlocked.Increment(ref _passes);
        var order = Order(root, mark);
        var gradients = new Dictionary<Node, Tensor>();
        using var noGrad = Tensor.NoGrad();
        try
        {
            root.Gradient = seed.Alias();
            for (var i = order.Count - 1; i >= 0; i--)
            {
                var node = order[i];
                if (node.Gradient is not { } dy)
                    continue;
                node.Gradient = null;
                using (dy)
                {
                    if (node is LeafNode)
                    {
                        gradients.Add(node, dy.IsContiguous ? dy.Alias() : dy.CopyContiguous(scoped: false));
                        continue;
                    }

                    using (Tensor.Scope())
                        node.Backward(dy);
                }

                if (!retainGraph)
                    node.Consume();
            }

            return new Gradients(gradients);
        }
        catch
        {
            foreach (var node in order)
            {
                node.Gradient?.Dispose();
                node.Gradient = null;
            }

            foreach (var gradient in gradients.Values)
                gradient.Dispose();
            throw;
        }
    }

    /// <summary>Operands before results; depth first without recursion.</summary>
    private static List<Node> Order(Node root, long mark)
    {
        var order = new List<Node>();
        var stack = new Stack<(Node Node, int Next)>();
        root.Mark = mark;
        stack.Push((root, 0));
        while (stack.TryPop(out var entry))
        {
            var (node, next) = entry;
            if (node.Consumed)
            {
                throw new EscException(
                    ErrorCode.Usage,
                    $"Backward: the graph at {node.GetType().Name} {node.Shape} was already used by an earlier backward pass; run the forward pass again");
            }

            if (next == node.Inputs.Length)
            {
                order.Add(node);
                continue;
            }

            stack.Push((node, next + 1));
            if (node.Inputs[next] is { } input && input.Mark != mark)
            {
                input.Mark = mark;
                stack.Push((input, 0));
            }
        }

        return order;
    }
}
