namespace EscNative.Kernels.Cpu;

/// <summary>One function of <see cref="UnaryOp"/> with its derivative, on SIMD registers.</summary>
internal interface IUnaryFunction
{
    /// <summary>f(x).</summary>
    static abstract V Forward<V, T>(V x)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged;

    /// <summary>g f'(x), from x or f(x), as <see cref="UnaryOp"/> says.</summary>
    static abstract V Backward<V, T>(V saved, V g)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged;
}
