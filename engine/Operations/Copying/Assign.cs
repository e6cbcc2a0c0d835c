namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>Overwrites the values in place: for parameters, buffers and optimizer state, never for a tensor that a graph saved.</summary>
    /// <param name="source">The new values, of this shape. It may lie in this tensor's memory, turned or shifted: it is read before
    /// anything is written.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="UsageException">This view repeats values (broadcast), so that one place would take several.</exception>
    public void Assign(Tensor source)
    {
        CheckSame("Assign", this, source);
        if (source.Shape != Shape)
            throw new ShapeException($"Assign: got {source.Shape} for {Shape}");
        for (var i = 0; i < Shape.Rank; i++)
        {
            if (Strides[i] == 0 && Shape[i] > 1 && Count > 0)
                throw new UsageException($"Assign: {Shape} repeats its values along axis {i}, and one place cannot take several; assign to a Clone()");
        }

        if (!MayOverlap(source))
        {
            Backend.Copy(source, this);
            return;
        }

        if (IsSameView(source))
            return;
        using var values = source.CopyContiguous(scoped: false);
        Backend.Copy(values, this);
    }

    private bool IsSameView(Tensor other)
    {
        if (Offset != other.Offset)
            return false;
        for (var i = 0; i < Shape.Rank; i++)
        {
            if (Shape[i] > 1 && Strides[i] != other.Strides[i])
                return false;
        }

        return true;
    }
}
