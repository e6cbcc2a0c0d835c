namespace EscNative.Engine;

/// <summary>Device memory that a kernel needs for its partial results. It goes back to the pool as soon as the kernels are issued:
/// whoever gets it next is issued behind them on the same stream.</summary>
internal readonly ref struct CudaWorkspace(MemoryPool pool, long bytes, string operation)
{
    private readonly MemoryPool _pool = pool;
    private readonly long _bytes = bytes;

    public nint Pointer { get; } = bytes == 0 ? 0 : pool.Rent(bytes, operation);

    public void Dispose()
    {
        if (_bytes > 0)
            _pool.Return(Pointer, _bytes, late: false);
    }
}
