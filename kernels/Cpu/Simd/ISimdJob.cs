namespace EscNative.Kernels.Cpu;

/// <summary>A parallel job whose tiles are computed with SIMD registers of the machine's width.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface ISimdJob<T>
    where T : unmanaged
{
    /// <summary>Computes one tile.</summary>
    void Execute<V>(int tile)
        where V : unmanaged, ISimd<V, T>;
}
