namespace EscNative.Engine;

// y = softmax(x): dx = y (dy - <dy, y>).   y = log softmax(x): dx = dy - e^y sum(dy).
public sealed partial class Tensor
{
    /// <summary>Softmax over the last dimension.</summary>
    public Tensor Softmax() => Softmax(log: false);

    /// <summary>The logarithm of the softmax over the last dimension.</summary>
    public Tensor LogSoftmax() => Softmax(log: true);

    private Tensor Softmax(bool log)
    {
        CheckFloat("Softmax");
        if (Shape.Rank == 0)
            throw new ShapeException("Softmax: got a scalar, wants [.., d]");
        using var scope = Scope();
        var y = AllocateLike("Softmax");
        var d = Shape[^1];
        if (Count > 0)
            Backend.Softmax(ContiguousData(), y, Count / d, d, log);
        if (Node.Wanted(this))
            y.SetNode(new SoftmaxNode(this, y, log));
        return scope.Keep(y);
    }

    private sealed class SoftmaxNode : Node
    {
        private readonly bool _log;

        public SoftmaxNode(Tensor x, Tensor y, bool log)
            : base(x.Shape, x)
        {
            _log = log;
            Save(y);
        }

        public override void Backward(Tensor dy)
        {
            dy = dy.ContiguousData();
            var dx = Overwrite(dy, "Softmax");
            var d = Shape[^1];
            if (dx.Count > 0)
                dy.Backend.SoftmaxBackward(Saved(0), dy, dx, dx.Count / d, d, _log);
            Send(0, dx);
        }
    }
}
