namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>Overwrites the values in place: for parameters, buffers and optimizer state, never for a tensor in a graph.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    internal void Assign(Tensor source)
    {
        CheckSame("Assign", this, source);
        if (source.Shape != Shape)
            throw new ShapeException($"Assign: got {source.Shape} for {Shape}");
        Backend.Copy(source, this);
    }
}
