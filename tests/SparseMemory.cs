using System.ComponentModel;
using System.Runtime.InteropServices;

namespace EscNative.Tests;

/// <summary>Zeros for arrays larger than the machine's memory: only pages that are written cost any. On both sides lie 64 GiB that
/// nobody may touch, where an offset that was cut to 32 bits leads.</summary>
public sealed unsafe partial class SparseMemory : IDisposable
{
    private const long Guard = 64L << 30;
    private const int None = 0, ReadWrite = 3, PrivateAnonymousUnreserved = 0x2 | 0x20 | 0x4000;

    private readonly List<(long Begin, long Bytes)> _ranges = [];

    /// <summary>Skips the calling test where address space is not to be had so cheaply.</summary>
    public SparseMemory() => Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.Is64BitProcess, "sparse memory is asked of Linux");

    /// <summary>Room for so many values, all zero.</summary>
    public T* Zeros<T>(long count)
        where T : unmanaged
    {
        var bytes = ((count * sizeof(T)) + 4095) & ~4095L;
        var all = Map(0, bytes + (2 * Guard), None, PrivateAnonymousUnreserved, -1, 0);
        if (all == -1)
            throw new Win32Exception();
        _ranges.Add((all, bytes + (2 * Guard)));
        var begin = all + Guard;
        if (Protect(begin, bytes, ReadWrite) != 0)
            throw new Win32Exception();
        return (T*)(nint)begin;
    }

    public void Dispose()
    {
        foreach (var (begin, bytes) in _ranges)
            _ = Unmap(begin, bytes);
        _ranges.Clear();
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial long Map(long address, long bytes, int access, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(long address, long bytes, int access);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(long address, long bytes);
}
