namespace EscNative.Engine;

/// <summary>While it lasts, operations on this thread record nothing for a backward pass.</summary>
public readonly ref struct NoGradScope
{
    [ThreadStatic]
    private static bool _active;

    private readonly bool _outer;

    private NoGradScope(bool outer) => _outer = outer;

    internal static bool Active => _active;

    internal static NoGradScope Begin()
    {
        var scope = new NoGradScope(_active);
        _active = true;
        return scope;
    }

    /// <summary>Ends the scope: recording is as it was before it.</summary>
    public void Dispose() => _active = _outer;
}
