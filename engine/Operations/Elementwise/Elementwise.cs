using EscNative.Kernels;

namespace EscNative.Engine;

public sealed partial class Tensor
{
    private static readonly string[] UnaryNames = Enum.GetNames<UnaryOp>();

    /// <summary>e^x.</summary>
    public Tensor Exp() => Elementwise(UnaryOp.Exp);

    /// <summary>The natural logarithm.</summary>
    public Tensor Log() => Elementwise(UnaryOp.Log);

    /// <summary>The square root.</summary>
    public Tensor Sqrt() => Elementwise(UnaryOp.Sqrt);

    /// <summary>max(x, 0).</summary>
    public Tensor Relu() => Elementwise(UnaryOp.Relu);

    /// <summary>x Φ(x), exact (erf), as PyTorch's default.</summary>
    public Tensor Gelu() => Elementwise(UnaryOp.Gelu);

    /// <summary>The hyperbolic tangent.</summary>
    public Tensor Tanh() => Elementwise(UnaryOp.Tanh);

    /// <summary>1 / (1 + e^-x).</summary>
    public Tensor Sigmoid() => Elementwise(UnaryOp.Sigmoid);

    /// <summary>x².</summary>
    public Tensor Square() => Elementwise(UnaryOp.Square);

    /// <summary>|x|.</summary>
    public Tensor Abs() => Elementwise(UnaryOp.Abs);

    private Tensor Elementwise(UnaryOp op)
    {
        var name = UnaryNames[(int)op];
        CheckFloat(name);
        using var scope = Scope();
        var x = ContiguousData();
        var y = AllocateLike(name);
        Backend.Unary(op, x, y);
        if (Node.Wanted(this))
            y.SetNode(new UnaryNode(op, this, op is UnaryOp.Log or UnaryOp.Gelu or UnaryOp.Square or UnaryOp.Abs ? x : y));
        return scope.Keep(y);
    }

    private sealed class UnaryNode : Node
    {
        private readonly UnaryOp _op;

        public UnaryNode(UnaryOp op, Tensor x, Tensor saved)
            : base(x.Shape, x)
        {
            _op = op;
            Save(saved);
        }

        public override void Backward(Tensor dy)
        {
            dy = dy.ContiguousData();
            var dx = Overwrite(dy, UnaryNames[(int)_op]);
            dy.Backend.UnaryBackward(_op, Saved(0), dy, dx);
            Send(0, dx);
        }
    }
}
