namespace EscNative.Kernels.Cpu;

/// <summary>How values become one, on SIMD registers and in float64.</summary>
internal unsafe interface IReduction
{
    /// <summary>The result for no values.</summary>
    static abstract double Start { get; }

    /// <summary>Two results into one.</summary>
    static abstract double Combine(double a, double b);

    /// <summary>Two registers into one.</summary>
    static abstract V Step<V, T>(V a, V b)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged;

    /// <summary>All values of a register into one.</summary>
    static abstract double Across<V, T>(V a)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged;
}
