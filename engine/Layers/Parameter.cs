namespace EscNative.Engine.Layers;

/// <summary>A named, trainable tensor of a module.</summary>
public sealed class Parameter : IDisposable
{
    internal Parameter(string name, Tensor value)
    {
        Name = name;
        Value = value.Persist();
        Value.RequireGradient();
    }

    /// <summary>The name within the module that made it: <c>weight</c>.</summary>
    public string Name { get; }

    /// <summary>The values; a leaf of every graph that uses them. Optimizers change them in place.</summary>
    public Tensor Value { get; }

    /// <summary>The extents.</summary>
    public Shape Shape => Value.Shape;

    /// <summary>The parameter's values.</summary>
    public static implicit operator Tensor(Parameter parameter) => parameter.Value;

    /// <summary>Frees the values.</summary>
    public void Dispose() => Value.Dispose();
}
