using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Working memory of the calling thread: kept between calls, aligned to 64 bytes, grown when asked for more.</summary>
/// <remarks>
/// A slot belongs to one kernel family, so that a kernel which calls another does not lose its buffer. The content is not
/// kept when a slot grows, and not cleared.
/// </remarks>
public static unsafe class CpuScratch
{
    /// <summary>Who uses a buffer.</summary>
    public enum Slot
    {
        /// <summary>Packed left operand of a matrix product.</summary>
        GemmA,

        /// <summary>Packed right operand of a matrix product.</summary>
        GemmB,

        /// <summary>An edge tile of a matrix product.</summary>
        GemmC,

        /// <summary>Padded input rows of a convolution.</summary>
        ConvInput,

        /// <summary>Packed weights or partial sums of a convolution.</summary>
        ConvWeight,

        /// <summary>An edge tile or a second padded input of a convolution.</summary>
        ConvEdge,

        /// <summary>Offsets of a convolution's pixels and taps.</summary>
        ConvTable,

        /// <summary>The phases of a convolution's data gradient.</summary>
        ConvPhase,

        /// <summary>Transformed input tiles of a Winograd convolution.</summary>
        WinogradInput,

        /// <summary>Products of a Winograd convolution.</summary>
        WinogradProduct,

        /// <summary>Weights of a Winograd convolution on their way to be transformed.</summary>
        WinogradWeight,

        /// <summary>Linear algebra in float64.</summary>
        LinearAlgebra,

        /// <summary>Reductions, normalisation, softmax.</summary>
        Reduce,

        /// <summary>The scores of one head of attention.</summary>
        Attention,

        /// <summary>The statistics that a layer norm of a plan does not keep.</summary>
        PlanStatistics,

        /// <summary>A slab of the mask of ESC-T.</summary>
        Mask,

        /// <summary>How many slots there are.</summary>
        Count,
    }

    [ThreadStatic]
    private static Buffers? _buffers;

    /// <summary>The calling thread's buffer of a slot, of at least <paramref name="bytes"/> bytes.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for it; the slot is empty then.</exception>
    public static void* Get(Slot slot, long bytes) => (_buffers ??= new Buffers()).Get((int)slot, bytes);

    /// <summary>The calling thread's buffer of a slot, of at least <paramref name="count"/> values.</summary>
    public static T* Get<T>(Slot slot, long count)
        where T : unmanaged => (T*)Get(slot, checked(count * sizeof(T)));

    private sealed class Buffers
    {
        private readonly nint[] _pointers = new nint[(int)Slot.Count];
        private readonly long[] _bytes = new long[(int)Slot.Count];

        ~Buffers()
        {
            foreach (var pointer in _pointers)
                NativeMemory.AlignedFree((void*)pointer);
        }

        public void* Get(int slot, long bytes)
        {
            if (_bytes[slot] < bytes)
            {
                // The slack lets vector kernels read a full register past the last value.
                var size = checked((nuint)(bytes + 256));
                // The old buffer goes first; where there is no memory for the new one, the slot is empty.
                NativeMemory.AlignedFree((void*)_pointers[slot]);
                _pointers[slot] = 0;
                _bytes[slot] = 0;
                _pointers[slot] = (nint)NativeMemory.AlignedAlloc(size, 64);
                _bytes[slot] = bytes;
            }

            return (void*)_pointers[slot];
        }
    }
}
