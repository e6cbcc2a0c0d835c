using EscNative.Kernels;

namespace EscNative.Engine;

// Axes are folded one group of neighbours at a time, so that a kernel sees [outer, extent, inner].
//   sum:  dx = dy, repeated           mean: dx = dy / n, repeated
//   max:  dx = dy at the first of the largest values, 0 elsewhere
public sealed partial class Tensor
{
    private static readonly string[] ReduceNames = Enum.GetNames<ReduceOp>();

    /// <summary>The sum of all values, a scalar.</summary>
    public Tensor Sum() => Reduce(ReduceOp.Sum, AllAxes(stackalloc int[Shape.MaxRank]), keepDim: false);

    /// <summary>The sum over some axes; negative ones count from the end.</summary>
    public Tensor Sum(ReadOnlySpan<int> axes, bool keepDim = false) => Reduce(ReduceOp.Sum, axes, keepDim);

    /// <summary>The sum over one axis.</summary>
    public Tensor Sum(int axis, bool keepDim = false) => Reduce(ReduceOp.Sum, [axis], keepDim);

    /// <summary>The mean of all values, a scalar.</summary>
    public Tensor Mean() => Reduce(ReduceOp.Mean, AllAxes(stackalloc int[Shape.MaxRank]), keepDim: false);

    /// <summary>The mean over some axes.</summary>
    public Tensor Mean(ReadOnlySpan<int> axes, bool keepDim = false) => Reduce(ReduceOp.Mean, axes, keepDim);

    /// <summary>The mean over one axis.</summary>
    public Tensor Mean(int axis, bool keepDim = false) => Reduce(ReduceOp.Mean, [axis], keepDim);

    /// <summary>The largest of all values, a scalar.</summary>
    public Tensor Max() => Reduce(ReduceOp.Max, AllAxes(stackalloc int[Shape.MaxRank]), keepDim: false);

    /// <summary>The largest value over some axes.</summary>
    public Tensor Max(ReadOnlySpan<int> axes, bool keepDim = false) => Reduce(ReduceOp.Max, axes, keepDim);

    /// <summary>The largest value over one axis.</summary>
    public Tensor Max(int axis, bool keepDim = false) => Reduce(ReduceOp.Max, [axis], keepDim);

    /// <summary>Where each largest value along an axis is (I32); the first of equals. Without a gradient.</summary>
    /// <exception cref="ShapeException">The axis has no values.</exception>
    public Tensor ArgMax(int axis = -1)
    {
        CheckFloat("ArgMax");
        axis = Shape.Axis(axis, "ArgMax");
        var view = new AxisView(Shape, axis, axis + 1);
        if (view.Extent == 0 && view.Outer * view.Inner > 0)
            throw new ShapeException($"ArgMax: axis {axis} of {Shape} has no values");
        using var scope = Scope();
        var index = Allocate(Device, DType.I32, Without(axis, axis + 1, keepDim: false), "ArgMax");
        Backend.ArgMax(ContiguousData(), index, view.Outer, view.Extent, view.Inner);
        return scope.Keep(index);
    }

    private Tensor Reduce(ReduceOp op, ReadOnlySpan<int> axes, bool keepDim)
    {
        CheckFloat(ReduceNames[(int)op]);
        Span<bool> folded = stackalloc bool[Shape.MaxRank];
        foreach (var axis in axes)
        {
            var i = Shape.Axis(axis, ReduceNames[(int)op]);
            if (folded[i])
                throw new ShapeException($"{op}: axis {axis} of {Shape} is named twice");
            folded[i] = true;
        }

        using var scope = Scope();
        // From the last group of neighbouring axes to the first, so that earlier axes keep their numbers.
        var y = this;
        for (var end = Shape.Rank; end > 0; end--)
        {
            if (!folded[end - 1])
                continue;
            var start = end - 1;
            while (start > 0 && folded[start - 1])
                start--;
            y = y.ReduceGroup(op, start, end);
            end = start + 1;
        }

        if (keepDim)
        {
            Span<int> dims = stackalloc int[Shape.Rank];
            for (var i = 0; i < dims.Length; i++)
                dims[i] = folded[i] ? 1 : Shape[i];
            return scope.Keep(y.Reshape(new Shape(dims)));
        }

        return scope.Keep(y == this ? Clone() : y);
    }

    private Tensor ReduceGroup(ReduceOp op, int start, int end)
    {
        var view = new AxisView(Shape, start, end);
        if (view.Extent == 0 && op != ReduceOp.Sum && view.Outer * view.Inner > 0)
            throw new ShapeException($"{op}: axes {start} to {end - 1} of {Shape} have no values");
        var y = Allocate(Without(start, end, keepDim: false), ReduceNames[(int)op]);
        var x = ContiguousData();
        if (op != ReduceOp.Max)
        {
            Backend.Reduce(op, x, y, view.Outer, view.Extent, view.Inner);
            if (Node.Wanted(this))
                y.SetNode(new SumNode(this, y.Shape, Without(start, end, keepDim: true), op == ReduceOp.Mean ? view.Extent : 1));
            return y;
        }

        Backend.Reduce(op, x, y, view.Outer, view.Extent, view.Inner);
        if (Node.Wanted(this))
        {
            var index = Allocate(Device, DType.I32, y.Shape, "Max");
            Backend.ArgMax(x, index, view.Outer, view.Extent, view.Inner);
            y.SetNode(new MaxNode(this, y.Shape, index, view));
        }

        return y;
    }

    private ReadOnlySpan<int> AllAxes(Span<int> axes)
    {
        for (var i = 0; i < Shape.Rank; i++)
            axes[i] = i;
        return axes[..Shape.Rank];
    }

    private Shape Without(int start, int end, bool keepDim)
    {
        Span<int> dims = stackalloc int[Shape.MaxRank];
        var rank = 0;
        for (var i = 0; i < Shape.Rank; i++)
        {
            if (i < start || i >= end)
                dims[rank++] = Shape[i];
            else if (keepDim)
                dims[rank++] = 1;
        }

        return new Shape(dims[..rank]);
    }

    private readonly record struct AxisView(long Outer, long Extent, long Inner)
    {
        public AxisView(Shape shape, int start, int end)
            : this(Product(shape, 0, start), Product(shape, start, end), Product(shape, end, shape.Rank))
        {
        }

        private static long Product(Shape shape, int from, int to)
        {
            var product = 1L;
            for (var i = from; i < to; i++)
                product *= shape[i];
            return product;
        }
    }

    private sealed class SumNode(Tensor x, Shape y, Shape kept, double divisor) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy)
        {
            var scaled = divisor == 1 ? dy : dy / divisor;
            Send(0, scaled.Reshape(kept).Expand(_x, "Sum"));
        }
    }

    private sealed class MaxNode : Node
    {
        private readonly Shape _x;
        private readonly AxisView _view;

        public MaxNode(Tensor x, Shape y, Tensor index, AxisView view)
            : base(y, x)
        {
            (_x, _view) = (x.Shape, view);
            Save(index);
        }

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "Max");
            dy.Backend.Scatter(dy.ContiguousData(), Saved(0), dx, _view.Outer, _view.Extent, _view.Inner);
            Send(0, dx);
        }
    }
}
