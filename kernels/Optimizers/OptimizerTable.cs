using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>Tensors of one optimizer launch; travels in the launch's arguments.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct OptimizerTable
{
    /// <summary>The most tensors of one launch.</summary>
    public const int Capacity = 64;

    // Values that a block works on.
    private const long Chunk = 4096;

    private int _count;
    private fixed uint _firstBlock[Capacity + 1];
    private fixed long _weight[Capacity];
    private fixed long _gradient[Capacity];
    private fixed long _first[Capacity];
    private fixed long _second[Capacity];
    private fixed long _size[Capacity];

    /// <summary>Blocks of the launch.</summary>
    public readonly uint Blocks => _firstBlock[_count];

    /// <summary>Whether no other tensor fits.</summary>
    public readonly bool IsFull => _count == Capacity;

    /// <summary>Takes a tensor in; one without values is left out.</summary>
    /// <param name="first">The first state, or 0 for none.</param>
    /// <param name="second">The second state, or 0 for none.</param>
    public void Add(nint weight, nint gradient, nint first, nint second, long size)
    {
        if (size == 0)
            return;
        (_weight[_count], _gradient[_count], _first[_count], _second[_count], _size[_count]) = (weight, gradient, first, second, size);
        _firstBlock[_count + 1] = _firstBlock[_count] + checked((uint)((size + Chunk - 1) / Chunk));
        _count++;
    }
}
