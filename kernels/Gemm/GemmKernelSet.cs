using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>The micro-kernels of one element type for the widest vectors of this processor. See Generated.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class GemmKernelSet<T>
    where T : unmanaged
{
    private const int MostIndirectRows = 8;

    // By vectors and rows: the kernel of the fewest rows that are enough, and how many those are.
    private readonly (nint Kernel, int Rows)[,] _indirect = new (nint, int)[5, MostIndirectRows + 1];
    private readonly int[] _indirectRows = new int[5];

    /// <summary>Values in a vector.</summary>
    public required int Lanes { get; init; }

    /// <summary>The most vectors that an indirect tile is wide.</summary>
    public required int WidestTile { get; init; }

    /// <summary>The packed kernel for products: the fastest, with the least memory traffic.</summary>
    public required PackedTile Product { get; init; }

    /// <summary>The packed kernel for Gram matrices: its columns are a multiple of its rows, so one packing serves as both
    /// operands. For double alone.</summary>
    public PackedTile Gram { get; init; }

    /// <summary>A packed kernel and the size of its tile.</summary>
    public readonly record struct PackedTile(int Rows, int Columns, nint Pointer)
    {
        /// <summary>(k, a, strideA, b, c, ldc, accumulate)</summary>
        public delegate*<nint, T*, nint, T*, T*, nint, bool, void> Kernel =>
            (delegate*<nint, T*, nint, T*, T*, nint, bool, void>)Pointer;
    }

    /// <summary>The indirect kernel of a number of vectors for a tile of so many rows: (panel, rows, outs, starts).</summary>
    /// <param name="vectors">How wide the tile is.</param>
    /// <param name="rows">1 to <see cref="IndirectRows"/>.</param>
    /// <param name="tileRows">Rows that the kernel computes, which are as many or a few more.</param>
    public delegate*<IndirectPanel<T>*, int*, int*, int*, void> Indirect(int vectors, int rows, out int tileRows)
    {
        (var kernel, tileRows) = _indirect[vectors, rows];
        return (delegate*<IndirectPanel<T>*, int*, int*, int*, void>)kernel;
    }

    /// <summary>The most rows of an indirect tile of a number of vectors, at which it is fastest.</summary>
    public int IndirectRows(int vectors) => _indirectRows[vectors];

    /// <summary>How wide, in vectors, the next panel is when so many vectors of columns are left.</summary>
    /// <remarks>Three vectors keep the FMA units busiest; a rest of one vector is worst, so it is avoided.</remarks>
    public int NextPanel(int vectorsLeft) => vectorsLeft switch
    {
        1 or 2 => vectorsLeft,
        4 or 8 => WidestTile == 4 ? 4 : vectorsLeft == 4 ? 2 : 3,
        _ => 3,
    };

    /// <summary>Adds an indirect kernel; those of few rows come first.</summary>
    internal void SetIndirect(int vectors, int rows, nint kernel)
    {
        for (var few = _indirectRows[vectors] + 1; few <= rows; few++)
            _indirect[vectors, few] = (kernel, rows);
        _indirectRows[vectors] = rows;
    }
}

/// <summary>Which micro-kernels this processor runs.</summary>
internal static unsafe class GemmKernelSet
{
    /// <summary>Bits of the vectors in use: 512, 256 (with FMA) or 128.</summary>
    public static int VectorBits { get; } =
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated && Fma.IsSupported ? 256 : 128;

    private static readonly GemmKernelSet<float> F32 = VectorBits switch
    {
        512 => Float512(),
        256 => Float256(),
        _ => Float128(),
    };

    private static readonly GemmKernelSet<double> F64 = VectorBits switch
    {
        512 => Double512(),
        256 => Double256(),
        _ => Double128(),
    };

    /// <summary>The kernels of an element type, float or double.</summary>
    public static GemmKernelSet<T> Of<T>()
        where T : unmanaged =>
        typeof(T) == typeof(float) ? (GemmKernelSet<T>)(object)F32
        : typeof(T) == typeof(double) ? (GemmKernelSet<T>)(object)F64
        : throw new NotSupportedException($"matrix product of {typeof(T)}: it exists for float and double");

    private static GemmKernelSet<float> Float512()
    {
        var set = new GemmKernelSet<float>
        {
            Lanes = 16,
            WidestTile = 4,
            Product = new(12, 32, Packed(&PackedKernels512F32.K12x32)),
        };
        IndirectKernels512F32.AddTo(set);
        return set;
    }

    private static GemmKernelSet<float> Float256()
    {
        var set = new GemmKernelSet<float>
        {
            Lanes = 8,
            WidestTile = 3,
            Product = new(6, 16, Packed(&PackedKernels256F32.K6x16)),
        };
        IndirectKernels256F32.AddTo(set);
        return set;
    }

    private static GemmKernelSet<float> Float128()
    {
        var set = new GemmKernelSet<float>
        {
            Lanes = 4,
            WidestTile = 3,
            Product = new(6, 8, Packed(&PackedKernels128F32.K6x8)),
        };
        IndirectKernels128F32.AddTo(set);
        return set;
    }

    private static GemmKernelSet<double> Double512()
    {
        var set = new GemmKernelSet<double>
        {
            Lanes = 8,
            WidestTile = 4,
            Product = new(12, 16, Packed(&PackedKernels512F64.K12x16)),
            Gram = new(8, 24, Packed(&PackedKernels512F64.K8x24)),
        };
        IndirectKernels512F64.AddTo(set);
        return set;
    }

    private static GemmKernelSet<double> Double256()
    {
        var set = new GemmKernelSet<double>
        {
            Lanes = 4,
            WidestTile = 3,
            Product = new(6, 8, Packed(&PackedKernels256F64.K6x8)),
            Gram = new(4, 12, Packed(&PackedKernels256F64.K4x12)),
        };
        IndirectKernels256F64.AddTo(set);
        return set;
    }

    private static GemmKernelSet<double> Double128()
    {
        var set = new GemmKernelSet<double>
        {
            Lanes = 2,
            WidestTile = 3,
            Product = new(6, 4, Packed(&PackedKernels128F64.K6x4)),
            Gram = new(4, 4, Packed(&PackedKernels128F64.K4x4)),
        };
        IndirectKernels128F64.AddTo(set);
        return set;
    }

    private static nint Packed(delegate*<nint, float*, nint, float*, float*, nint, bool, void> kernel) => (nint)kernel;

    private static nint Packed(delegate*<nint, double*, nint, double*, double*, nint, bool, void> kernel) => (nint)kernel;
}
