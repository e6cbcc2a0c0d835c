namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>Overwrites the values in place: for parameters, buffers and optimizer state, never for a tensor that a graph saved.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public void Assign(Tensor source)
    {
        CheckSame("Assign", this, source);
        if (source.Shape != Shape)
            throw new ShapeException($"Assign: got {source.Shape} for {Shape}");
        Backend.Copy(source, this);
    }
}
