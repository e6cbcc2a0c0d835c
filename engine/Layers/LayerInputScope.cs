namespace EscNative.Engine.Layers;

/// <summary>
/// While it lasts, every convolution, linear layer and global average pooling that runs on this thread shows its input: for methods that
/// look at a network layer by layer.
/// </summary>
/// <remarks>Plans do not show anything: they are no longer made of layers.</remarks>
public readonly ref struct LayerInputScope
{
    [ThreadStatic]
    private static Action<Module, Tensor>? _seen;

    private readonly Action<Module, Tensor>? _outer;

    private LayerInputScope(Action<Module, Tensor>? outer) => _outer = outer;

    /// <summary>Begins a scope: <c>using var inputs = LayerInputScope.Begin((layer, x) => ...)</c>.</summary>
    /// <param name="seen">Told the layer and its input, which belongs to the forward pass: copy what is to outlive it.</param>
    public static LayerInputScope Begin(Action<Module, Tensor> seen)
    {
        ArgumentNullException.ThrowIfNull(seen);
        var scope = new LayerInputScope(_seen);
        _seen = seen;
        return scope;
    }

    internal static void Show(Module layer, Tensor input) => _seen?.Invoke(layer, input);

    /// <summary>Ends the scope: inputs are shown to whom they were shown before it.</summary>
    public void Dispose() => _seen = _outer;
}
