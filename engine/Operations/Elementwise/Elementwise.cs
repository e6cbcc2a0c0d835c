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

    /// <summary>GELU by its approximation x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, as PyTorch's <c>approximate='tanh'</c>.</summary>
    public Tensor GeluTanh() => Elementwise(UnaryOp.GeluTanh);

    /// <summary>x / (1 + e^-x), also called swish.</summary>
    public Tensor Silu() => Elementwise(UnaryOp.Silu);

    /// <summary>min(max(x, 0), 6). The gradient at 0 and at 6 is 0.</summary>
    public Tensor Relu6() => Elementwise(UnaryOp.Relu6);

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
            y.SetNode(new UnaryNode(op, this, ReadsOperand(op) ? x : y));
        return scope.Keep(y);
    }

    private static bool ReadsOperand(UnaryOp op) => op is
        UnaryOp.Log or UnaryOp.Gelu or UnaryOp.Square or UnaryOp.Abs or UnaryOp.Silu or UnaryOp.GeluTanh;

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
