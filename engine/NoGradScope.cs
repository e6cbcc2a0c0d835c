namespace EscNative.Engine;

/// <summary>While it lasts, operations on this thread record nothing for a backward pass.</summary>
public readonly ref struct NoGradScope
{
    [ThreadStatic]
    private static int _depth;

    internal static bool Active => _depth > 0;

    internal static NoGradScope Begin()
    {
        _depth++;
        return default;
    }

    /// <summary>Ends the scope.</summary>
#pragma warning disable CA1822 // 'using' needs an instance method.
    public void Dispose() => _depth--;
#pragma warning restore CA1822
}
