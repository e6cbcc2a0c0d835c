using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>A GPU's memory.</summary>
/// <remarks>
/// A block may be rented again while kernels that use it are still to run: everything is issued on one stream, so whatever its new
/// owner issues runs behind them. Nothing ever waits for a block.
/// </remarks>
internal sealed class CudaMemoryPool : MemoryPool
{
    private const int Margin = 256;
    private const byte Guard = 0xA5;
    private const byte Poison = 0xFF;

    // Enough of a returned block to show a late read, without the cost of filling all of a large one.
    private const int PoisonOnReturn = 1 << 16;
    private const int MostGuarded = 4096;

    private readonly CudaContext _context;

    // Around each block, and only where it is looked at: the driver gives large memory in steps of 2 MiB.
    private readonly int _margin = Checked ? Margin : 0;

    /// <param name="context">The device.</param>
    public CudaMemoryPool(CudaContext context) => _context = context;

    /// <summary>The same checks as <see cref="CpuMemoryPool.Checked"/>, for pools that are made after it is set.</summary>
    public static bool Checked { get; set; }

    /// <summary>How many blocks came back with a damaged margin.</summary>
    public static long Violations { get; private set; }

    public override FaultMark FaultMark => _context.FaultMark;

    // What a lost device held is gone.
    protected override bool KeepsReturned => _context.LostReason is null;

    protected override nint AllocateBlock(long bytes)
    {
        var block = _context.Allocate(bytes + (2 * _margin));
        return block == 0 ? 0 : block + _margin;
    }

    protected override void FreeBlock(nint pointer) => _context.Free(pointer - _margin);

    protected override long FreeBytes() => _context.MemoryInfo().Free;

    protected override void OnRent(nint pointer, long bytes, long size)
    {
        if (_margin == 0)
            return;
        _context.Stream.Fill(pointer - _margin, Guard, _margin);
        _context.Stream.Fill(pointer + (nint)bytes, Guard, GuardedBehind(bytes, size));
        _context.Stream.Fill(pointer, Poison, bytes);
    }

    protected override void OnReturn(nint pointer, long bytes, long size)
    {
        if (_margin == 0 || CudaStream.IsCapturing)
            return;
        Span<byte> margins = stackalloc byte[MostGuarded + Margin];
        var front = margins[.._margin];
        var back = margins[_margin..][..GuardedBehind(bytes, size)];
        // This may run on the finalizer's thread, where a device that fails must not throw; the next call on it does.
        if (!_context.Stream.TryRead(pointer - _margin, front) || !_context.Stream.TryRead(pointer + (nint)bytes, back))
            return;
        if (front.ContainsAnyExcept(Guard) || back.ContainsAnyExcept(Guard))
            Violations++;
        _context.Stream.TryFill(pointer, Poison, Math.Min(bytes, PoisonOnReturn));
    }

    private int GuardedBehind(long bytes, long size) => (int)Math.Min(size - bytes + _margin, MostGuarded);
}
