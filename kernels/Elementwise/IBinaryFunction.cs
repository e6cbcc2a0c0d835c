namespace EscNative.Kernels.Cpu;

/// <summary>One function of <see cref="BinaryOp"/> on SIMD registers.</summary>
internal interface IBinaryFunction
{
    /// <summary>f(a, b).</summary>
    static abstract V Apply<V, T>(V a, V b)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged;
}
