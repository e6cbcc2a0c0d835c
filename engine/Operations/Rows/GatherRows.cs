namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>Rows of this [r, ...] picked by index (I32 [n]): [n, ...]. A row may be picked more than once.</summary>
    /// <exception cref="ShapeException">The index is not a vector.</exception>
    /// <exception cref="EscException">An index is out of range.</exception>
    public Tensor GatherRows(Tensor index)
    {
        if (Shape.Rank < 1 || index.Shape.Rank != 1 || index.DType != DType.I32)
            throw new ShapeException($"GatherRows: got {Shape} and {index.DType} {index.Shape}, wants [r, ...] and I32 [n]");
        using var scope = Scope();
        var rows = index.ContiguousData();
        var y = Allocate(Shape.With(0, index.Shape[0]), "GatherRows");
        Backend.GatherRows(ContiguousData(), rows, y, Columns(Shape));
        if (Node.Wanted(this))
            y.SetNode(new GatherNode(this, rows, y.Shape));
        return scope.Keep(y);
    }

    private static long Columns(Shape shape)
    {
        var columns = 1L;
        for (var i = 1; i < shape.Rank; i++)
            columns *= shape[i];
        return columns;
    }

    private sealed class GatherNode : Node
    {
        private readonly Shape _x;

        public GatherNode(Tensor x, Tensor index, Shape y)
            : base(y, x)
        {
            _x = x.Shape;
            Save(index);
        }

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "GatherRows");
            dy.Backend.Fill(dx, 0);
            dy.Backend.ScatterAddRows(dy.ContiguousData(), Saved(0), dx, Columns(_x));
            Send(0, dx);
        }
    }
}
