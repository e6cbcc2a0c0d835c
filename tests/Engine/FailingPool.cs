using System.Runtime.InteropServices;
using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>Main memory of which no more is to be had after some blocks.</summary>
internal sealed unsafe class FailingPool : MemoryPool
{
    /// <summary>Blocks that the system gives before it has none.</summary>
    public int Left { get; set; } = int.MaxValue;

    /// <summary>Told of each block that is asked from the system.</summary>
    public Action? Asked { get; set; }

    protected override nint AllocateBlock(long bytes)
    {
        Asked?.Invoke();
        return Left-- > 0 ? (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64) : 0;
    }

    protected override void FreeBlock(nint pointer) => NativeMemory.AlignedFree((void*)pointer);

    protected override long FreeBytes() => -1;
}
