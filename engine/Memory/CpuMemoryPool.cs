using System.Runtime.InteropServices;

namespace EscNative.Engine;

/// <summary>Main memory, aligned to 64 bytes, with a margin behind each block that vector reads may touch.</summary>
internal sealed unsafe class CpuMemoryPool : MemoryPool
{
    private const int Margin = 256;
    private const byte Guard = 0xA5;

    // Enough of a returned block to show a late read, without the cost of filling all of a large one.
    private const int PoisonOnReturn = 1 << 16;

    // The machine's memory, or the container's share of it.
    private static readonly long TotalBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>
    /// Fills every block with NaN when it is rented, its start also when it comes back, and surrounds it with a pattern that is checked on
    /// return: tests switch it on, so that an unwritten value, a write out of bounds or a late read fails the test that did it.
    /// </summary>
    public static bool Checked { get; set; }

    /// <summary>How many blocks came back with a damaged margin.</summary>
    public static long Violations { get; private set; }

    protected override nint AllocateBlock(long bytes)
    {
        // Linux promises more memory than there is and ends the process that uses it: an exception is kinder.
        if (bytes > TotalBytes - Held)
            return 0;
        try
        {
            var block = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + (2 * Margin)), 64);
            return (nint)(block + Margin);
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }
    }

    protected override void FreeBlock(nint pointer) => NativeMemory.AlignedFree((byte*)pointer - Margin);

    // As the runtime saw it last, which is what every process of the machine uses together.
    protected override long FreeBytes() => Math.Max(TotalBytes - GC.GetGCMemoryInfo().MemoryLoadBytes, 0);

    protected override void OnRent(nint pointer, long bytes, long size)
    {
        if (!Checked)
            return;
        Front(pointer).Fill(Guard);
        Back(pointer, bytes, size).Fill(Guard);
        Poison(pointer, bytes);
    }

    protected override void OnReturn(nint pointer, long bytes, long size)
    {
        if (!Checked)
            return;
        if (Front(pointer).ContainsAnyExcept(Guard) || Back(pointer, bytes, size).ContainsAnyExcept(Guard))
            Violations++;
        Poison(pointer, Math.Min(bytes, PoisonOnReturn));
    }

    private static void Poison(nint pointer, long bytes)
    {
        for (var at = 0L; at < bytes; at += int.MaxValue)
            new Span<byte>((byte*)pointer + at, (int)Math.Min(int.MaxValue, bytes - at)).Fill(0xFF);
    }

    private static Span<byte> Front(nint pointer) => new((byte*)pointer - Margin, Margin);

    // The unused end of the size class is guarded too, up to a limit that keeps the check cheap.
    private static Span<byte> Back(nint pointer, long bytes, long size) =>
        new((byte*)pointer + bytes, (int)Math.Min(size - bytes + Margin, 4096));
}
