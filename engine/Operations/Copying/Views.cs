namespace EscNative.Engine;

// Views share memory. Their backward passes are the reverse rearrangements.
public sealed partial class Tensor
{
    /// <summary>The same values in another shape, row-major; one extent may be -1. A view where the memory allows it.</summary>
    /// <exception cref="ShapeException">The number of values differs.</exception>
    public Tensor Reshape(params ReadOnlySpan<int> dims)
    {
        var free = dims.IndexOf(-1);
        if (free < 0)
            return Reshape(new Shape(dims));
        var known = 1L;
        foreach (var d in dims)
            known *= d == -1 ? 1 : d;
        if (known <= 0 || Count % known != 0 || Count / known > int.MaxValue)
            throw new ShapeException($"Reshape: {Shape} does not divide into [{string.Join(", ", dims.ToArray())}]");
        Span<int> full = stackalloc int[dims.Length];
        dims.CopyTo(full);
        full[free] = (int)(Count / known);
        return Reshape(new Shape(full));
    }

    /// <inheritdoc cref="Reshape(ReadOnlySpan{int})"/>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Count != Count)
            throw new ShapeException($"Reshape: {Shape} has {Count} values, {shape} has {shape.Count}");
        using var scope = Scope();
        var x = ContiguousData();
        var y = x.View(shape, Strides.Contiguous(shape), x.Offset);
        if (Node.Wanted(this))
            y.SetNode(new ReshapeNode(this, shape));
        return scope.Keep(y);
    }

    /// <summary>The dimensions in another order: dimension i of the result is dimension axes[i] of this. A view.</summary>
    /// <exception cref="ShapeException">The axes are not a permutation.</exception>
    public Tensor Permute(params ReadOnlySpan<int> axes)
    {
        var rank = Shape.Rank;
        Span<int> dims = stackalloc int[Shape.MaxRank];
        Span<long> strides = stackalloc long[Shape.MaxRank];
        Span<int> inverse = stackalloc int[Shape.MaxRank];
        inverse.Fill(-1);
        if (axes.Length != rank)
            throw new ShapeException($"Permute: got {axes.Length} axes for {Shape}");
        for (var i = 0; i < rank; i++)
        {
            var from = Shape.Axis(axes[i], "Permute");
            if (inverse[from] >= 0)
                throw new ShapeException($"Permute: axis {from} is named twice");
            inverse[from] = i;
            dims[i] = Shape[from];
            strides[i] = Strides[from];
        }

        var y = View(new Shape(dims[..rank]), new Strides(strides[..rank]), Offset);
        if (Node.Wanted(this))
            y.SetNode(new PermuteNode(this, y.Shape, inverse[..rank].ToArray()));
        return y;
    }

    /// <summary>The last two dimensions exchanged: a matrix's transpose. A view.</summary>
    /// <exception cref="ShapeException">There are fewer than two dimensions.</exception>
    public Tensor Transpose()
    {
        if (Shape.Rank < 2)
            throw new ShapeException($"Transpose: got {Shape}, wants two dimensions or more");
        Span<int> axes = stackalloc int[Shape.Rank];
        for (var i = 0; i < axes.Length; i++)
            axes[i] = i;
        (axes[^1], axes[^2]) = (axes[^2], axes[^1]);
        return Permute(axes);
    }

    /// <summary>The values start .. end - 1 (or every step-th of them) along an axis. A view.</summary>
    /// <exception cref="ShapeException">The range lies outside.</exception>
    public Tensor Slice(int axis, int start, int end, int step = 1)
    {
        axis = Shape.Axis(axis, "Slice");
        var extent = Shape[axis];
        if (start < 0 || end > extent || start > end || step < 1)
            throw new ShapeException($"Slice: got {start}..{end} step {step} of axis {axis} of {Shape}, wants 0 <= start <= end <= {extent}, step >= 1");
        Span<long> strides = stackalloc long[Shape.MaxRank];
        Strides.CopyTo(strides, Shape.Rank);
        var offset = Offset + (start * strides[axis]);
        strides[axis] *= step;
        var count = (int)(((long)end - start + step - 1) / step);
        var y = View(Shape.With(axis, count), new Strides(strides[..Shape.Rank]), offset);
        if (Node.Wanted(this))
            y.SetNode(new SliceNode(this, y.Shape, axis, start, end, step));
        return y;
    }

    /// <summary>Tensors one after another along an axis.</summary>
    /// <exception cref="ShapeException">The other extents differ, or there are no tensors.</exception>
    public static Tensor Concat(ReadOnlySpan<Tensor> tensors, int axis)
    {
        if (tensors.Length == 0)
            throw new ShapeException("Concat: got no tensors");
        axis = tensors[0].Shape.Axis(axis, "Concat");
        var extent = 0;
        foreach (var t in tensors)
        {
            CheckSame("Concat", tensors[0], t);
            if (t.Shape.Rank != tensors[0].Shape.Rank || t.Shape.With(axis, 0) != tensors[0].Shape.With(axis, 0))
                throw new ShapeException($"Concat: {t.Shape} and {tensors[0].Shape} differ outside axis {axis}");
            extent += t.Shape[axis];
        }

        using var scope = Scope();
        var y = tensors[0].Allocate(tensors[0].Shape.With(axis, extent), "Concat");
        var at = 0;
        foreach (var t in tensors)
        {
            y.Backend.Copy(t, y.Slice(axis, at, at + t.Shape[axis]));
            at += t.Shape[axis];
        }

        if (Node.Wanted(tensors))
            y.SetNode(new ConcatNode(tensors, y.Shape, axis));
        return scope.Keep(y);
    }

    /// <summary>The tensor with <paramref name="before"/> and <paramref name="after"/> copies of a constant along an axis.</summary>
    /// <exception cref="ShapeException">A negative number of copies, or a dimension that grows too large.</exception>
    public Tensor Pad(int axis, int before, int after, double value = 0)
    {
        axis = Shape.Axis(axis, "Pad");
        var extent = Shape[axis];
        if (before < 0 || after < 0 || (long)before + extent + after > int.MaxValue)
            throw new ShapeException($"Pad: got {before} before and {after} after axis {axis} of {Shape}, wants 0 or more, {int.MaxValue} in all");
        using var scope = Scope();
        var y = Allocate(Shape.With(axis, before + extent + after), "Pad");
        Backend.Fill(y, value);
        Backend.Copy(this, y.Slice(axis, before, before + extent));
        if (Node.Wanted(this))
            y.SetNode(new PadNode(this, y.Shape, axis, before));
        return scope.Keep(y);
    }

    private sealed class ReshapeNode(Tensor x, Shape y) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy) => Send(0, dy.Reshape(_x));
    }

    private sealed class PermuteNode(Tensor x, Shape y, int[] inverse) : Node(y, x)
    {
        public override void Backward(Tensor dy) => Send(0, dy.Permute(inverse));
    }

    private sealed class SliceNode(Tensor x, Shape y, int axis, int start, int end, int step) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "Slice");
            dy.Backend.Fill(dx, 0);
            dy.Backend.Copy(dy, dx.Slice(axis, start, end, step));
            Send(0, dx);
        }
    }

    private sealed class ConcatNode : Node
    {
        private readonly int _axis;
        private readonly int[] _extents;

        public ConcatNode(ReadOnlySpan<Tensor> tensors, Shape y, int axis)
            : base(y, tensors)
        {
            _axis = axis;
            _extents = new int[tensors.Length];
            for (var i = 0; i < tensors.Length; i++)
                _extents[i] = tensors[i].Shape[axis];
        }

        public override void Backward(Tensor dy)
        {
            var at = 0;
            for (var i = 0; i < _extents.Length; i++)
            {
                if (Wants(i))
                    Send(i, dy.Slice(_axis, at, at + _extents[i]));
                at += _extents[i];
            }
        }
    }

    private sealed class PadNode(Tensor x, Shape y, int axis, int before) : Node(y, x)
    {
        private readonly int _extent = x.Shape[axis];

        public override void Backward(Tensor dy) => Send(0, dy.Slice(axis, before, before + _extent));
    }
}
