using EscNative.Kernels;

namespace EscNative.Engine;

// Broadcasting aligns shapes at the last dimension; an extent of 1 repeats. Backward: the gradient of a repeated value is the
// sum over its copies (SumTo).
//   a + b: da = dy        db = dy
//   a - b: da = dy        db = -dy
//   a b:   da = dy b      db = dy a
//   a / b: da = dy / b    db = -dy (a / b) / b
public sealed partial class Tensor
{
    // An enum's ToString() allocates.
    private static readonly string[] BinaryNames = Enum.GetNames<BinaryOp>();

    /// <summary>a + b, broadcast.</summary>
    public static Tensor operator +(Tensor a, Tensor b) => Arithmetic(BinaryOp.Add, a, b);

    /// <summary>a - b, broadcast.</summary>
    public static Tensor operator -(Tensor a, Tensor b) => Arithmetic(BinaryOp.Subtract, a, b);

    /// <summary>a b, elementwise, broadcast.</summary>
    public static Tensor operator *(Tensor a, Tensor b) => Arithmetic(BinaryOp.Multiply, a, b);

    /// <summary>a / b, elementwise, broadcast.</summary>
    public static Tensor operator /(Tensor a, Tensor b) => Arithmetic(BinaryOp.Divide, a, b);

    /// <summary>-a.</summary>
    public static Tensor operator -(Tensor a) => a.Affine(-1, 0);

    /// <summary>a + s.</summary>
    public static Tensor operator +(Tensor a, double s) => a.Affine(1, s);

    /// <summary>s + a.</summary>
    public static Tensor operator +(double s, Tensor a) => a.Affine(1, s);

    /// <summary>a - s.</summary>
    public static Tensor operator -(Tensor a, double s) => a.Affine(1, -s);

    /// <summary>s - a.</summary>
    public static Tensor operator -(double s, Tensor a) => a.Affine(-1, s);

    /// <summary>a s.</summary>
    public static Tensor operator *(Tensor a, double s) => a.Affine(s, 0);

    /// <summary>s a.</summary>
    public static Tensor operator *(double s, Tensor a) => a.Affine(s, 0);

    /// <summary>a / s.</summary>
    /// <remarks>A true division: 41 / 41 is 1, and 0 / 1e-40 is 0.</remarks>
    public static Tensor operator /(Tensor a, double s)
    {
        a.CheckFloat("Divide");
        using var scope = Scope();
        var y = a.AllocateLike("Divide");
        a.Backend.Divide(a.ContiguousData(), s, y);
        if (Node.Wanted(a))
            y.SetNode(new DivideNode(a, s));
        return scope.Keep(y);
    }

    /// <summary>s / a.</summary>
    public static Tensor operator /(double s, Tensor a)
    {
        using var scope = Scope();
        if (a.DType == DType.F64 || s == 0 || !double.IsFinite(s) || float.IsNormal((float)s))
            return scope.Keep(Scalar(s, a.DType, a.Device) / a);
        // A number that float32 cannot hold, as its digits times a power of two; with room for a divisor at the other end of the range.
        var exponent = Math.ILogB(s) + (Math.Abs(s) < 1 ? 64 : -64);
        return scope.Keep((Scalar(Math.ScaleB(s, -exponent), a.DType, a.Device) / a) * Math.ScaleB(1, exponent));
    }

    /// <summary>a b, broadcast, and 0 where the weight a is 0 whatever b is: the terms of sums as that of p log p, where p may be 0.</summary>
    internal static Tensor Weigh(Tensor a, Tensor b) => Arithmetic(BinaryOp.Weigh, a, b);

    /// <summary>scale x + shift, one pass.</summary>
    public Tensor Affine(double scale, double shift)
    {
        CheckFloat("Affine");
        using var scope = Scope();
        var y = AllocateLike("Affine");
        Backend.Affine(ContiguousData(), scale, shift, y);
        if (Node.Wanted(this))
            y.SetNode(new AffineNode(this, scale));
        return scope.Keep(y);
    }

    /// <summary>The values summed over the dimensions in which <paramref name="shape"/> repeats: the reverse of broadcasting.</summary>
    internal Tensor SumTo(Shape shape)
    {
        if (Shape == shape)
            return this;
        using var scope = Scope();
        var lead = Shape.Rank - shape.Rank;
        Span<int> axes = stackalloc int[Shape.MaxRank];
        var count = 0;
        for (var i = 0; i < Shape.Rank; i++)
        {
            if (i < lead || (shape[i - lead] == 1 && Shape[i] != 1))
                axes[count++] = i;
        }

        return scope.Keep(Sum(axes[..count]).Reshape(shape));
    }

    /// <summary>A view of this tensor repeated to <paramref name="shape"/>; outside the graph.</summary>
    internal Tensor Expand(Shape shape, string operation)
    {
        if (Shape == shape)
            return this;
        Span<long> strides = stackalloc long[Shape.MaxRank];
        var lead = shape.Rank - Shape.Rank;
        for (var i = Math.Max(lead, 0); i < shape.Rank; i++)
        {
            if (Shape[i - lead] == shape[i])
                strides[i] = Strides[i - lead];
            else if (Shape[i - lead] != 1)
                throw new ShapeException($"{operation}: {Shape} does not broadcast to {shape}");
        }

        return View(shape, new Strides(strides), Offset);
    }

    private static Tensor Arithmetic(BinaryOp op, Tensor a, Tensor b)
    {
        var name = BinaryNames[(int)op];
        CheckSame(name, a, b);
        a.CheckFloat(name);
        var shape = Broadcast(op, a.Shape, b.Shape);
        using var scope = Scope();
        var y = a.Allocate(shape, name);
        a.Backend.Binary(op, a.Expand(shape, name), b.Expand(shape, name), y);
        if (Node.Wanted(a, b))
            y.SetNode(new BinaryNode(op, a, b, shape));
        return scope.Keep(y);
    }

    private static Shape Broadcast(BinaryOp op, Shape a, Shape b)
    {
        if (a == b)
            return a;
        var rank = Math.Max(a.Rank, b.Rank);
        Span<int> dims = stackalloc int[rank];
        for (var i = 1; i <= rank; i++)
        {
            var da = i <= a.Rank ? a[^i] : 1;
            var db = i <= b.Rank ? b[^i] : 1;
            dims[^i] = da == db || db == 1 ? da : da == 1 ? db
                : throw new ShapeException($"{op}: {a} and {b} do not broadcast: {da} against {db} in dimension -{i}");
        }

        return new Shape(dims);
    }

    internal static void CheckSame(string operation, Tensor a, Tensor b)
    {
        a.CheckLive();
        b.CheckLive();
        if (a.DType != b.DType || a.Device != b.Device)
            throw new DTypeException($"{operation}: got {a.DType} on {a.Device} and {b.DType} on {b.Device}, wants the same; convert one with To()");
    }

    private void CheckFloat(string operation)
    {
        CheckLive();
        if (!DType.IsFloat())
            throw new DTypeException($"{operation}: got {DType} {Shape}, wants a floating type; convert it with To()");
    }

    private sealed class AffineNode(Tensor x, double scale) : Node(x.Shape, x)
    {
        public override void Backward(Tensor dy)
        {
            if (scale != 1)
            {
                var from = dy.ContiguousData();
                dy = Overwrite(from, "Affine");
                dy.Backend.Affine(from, scale, 0, dy);
            }

            Send(0, dy);
        }
    }

    private sealed class DivideNode(Tensor x, double divisor) : Node(x.Shape, x)
    {
        public override void Backward(Tensor dy)
        {
            var from = dy.ContiguousData();
            var dx = Overwrite(from, "Divide");
            dx.Backend.Divide(from, divisor, dx);
            Send(0, dx);
        }
    }

    private sealed class BinaryNode : Node
    {
        private readonly BinaryOp _op;
        private readonly Shape _a;
        private readonly Shape _b;

        public BinaryNode(BinaryOp op, Tensor a, Tensor b, Shape y)
            : base(y, a, b)
        {
            (_op, _a, _b) = (op, a.Shape, b.Shape);
            if (op is BinaryOp.Multiply or BinaryOp.Divide or BinaryOp.Weigh)
                Save(Wants(1) ? a : null, Wants(0) || op is BinaryOp.Divide ? b : null);
        }

        public override void Backward(Tensor dy)
        {
            if (Wants(0))
            {
                var da = _op switch
                {
                    BinaryOp.Multiply or BinaryOp.Weigh => dy * Saved(1),
                    BinaryOp.Divide => dy / Saved(1),
                    _ => dy,
                };
                Send(0, da.SumTo(_a));
            }

            if (Wants(1))
            {
                var db = _op switch
                {
                    BinaryOp.Subtract => -dy,
                    BinaryOp.Multiply => dy * Saved(0),
                    BinaryOp.Weigh => Weigh(Saved(0), dy),
                    BinaryOp.Divide => -(dy * (Saved(0) / Saved(1)) / Saved(1)),
                    _ => dy,
                };
                Send(1, db.SumTo(_b));
            }
        }
    }
}
