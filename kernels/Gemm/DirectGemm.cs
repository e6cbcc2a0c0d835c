using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Products that are too small or too narrow to pay for packing A: A is read where it lies.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal static unsafe class DirectGemm<T>
    where T : unmanaged, INumberBase<T>
{
    // Measured on Zen 5: up to here packing A costs more than it gains.
    private const long SmallVolume = 64 * 64 * 64;
    private const int NarrowVectors = 4;

    private const long ParallelVolume = 1 << 20;
    private const int MostRows = 8;
    private const int MostColumns = 64;
    private const int Depth = 512;
    private const int RowsPerTask = 48;

    private static readonly GemmKernelSet<T> Set = GemmKernelSet.Of<T>();

    /// <summary>Whether a product is computed this way. Depends on sizes alone.</summary>
    public static bool Suits(int m, int n, int k, GemmOperand<T> a, GemmOperand<T> b, nint ldc) =>
        ((long)m * n * k <= SmallVolume || n <= NarrowVectors * Set.Lanes)
        // The kernels take offsets of 32 bits.
        && a.Stride * Depth < int.MaxValue && ldc * MostRows < int.MaxValue;

    /// <summary>C = op(A) op(B), or C += op(A) op(B).</summary>
    public static void Multiply(int m, int n, int k, GemmOperand<T> a, GemmOperand<T> b, T* c, nint ldc, bool accumulate)
    {
        var inPlace = b.Along && n % Set.Lanes == 0;
        var panels = inPlace ? null : Pack(n, k, b);
        var depths = stackalloc int[Math.Min(k, Depth)];
        for (var p = 0; p < Math.Min(k, Depth); p++)
            depths[p] = p * (int)a.DepthStep;
        var job = new RowsJob
        {
            A = a,
            B = b,
            Panels = panels,
            Depths = depths,
            C = c,
            Ldc = ldc,
            M = m,
            N = n,
            K = k,
            Accumulate = accumulate,
        };
        GemmDriver<T>.Run((long)m * n * k >= ParallelVolume, (m + RowsPerTask - 1) / RowsPerTask, job);
    }

    // The panels stand one after another, [k, columns of the panel] each, so one that begins at column j begins at j * k.
    private static T* Pack(int n, int k, GemmOperand<T> b)
    {
        var vectors = (n + Set.Lanes - 1) / Set.Lanes;
        var panels = CpuScratch.Get<T>(CpuScratch.Slot.GemmB, (long)vectors * Set.Lanes * k);
        for (var j = 0; j < n;)
        {
            var columns = Set.NextPanel((n - j + Set.Lanes - 1) / Set.Lanes) * Set.Lanes;
            b.Pack(j, Math.Min(columns, n - j), 0, k, columns, panels + (nint)j * k);
            j += columns;
        }

        return panels;
    }

    private struct RowsJob : ITileJob
    {
        public GemmOperand<T> A, B;
        public T* Panels;
        public int* Depths;
        public T* C;
        public nint Ldc;
        public int M, N, K;
        public bool Accumulate;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute(int tile, int worker)
        {
            var end = Math.Min(M, (tile + 1) * RowsPerTask);
            for (var p = 0; p < K; p += Depth)
            {
                for (var j = 0; j < N;)
                {
                    var vectors = Set.NextPanel((N - j + Set.Lanes - 1) / Set.Lanes);
                    ComputePanel(tile * RowsPerTask, end, j, vectors, p);
                    j += vectors * Set.Lanes;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void ComputePanel(int first, int end, int j, int vectors, int p)
        {
            var columns = vectors * Set.Lanes;
            var mostRows = Set.IndirectRows(vectors);
            var whole = j + columns <= N;
            var accumulate = Accumulate || p > 0;
            var panel = new IndirectPanel<T>
            {
                Depth = Math.Min(Depth, K - p),
                Columns = Depths,
                B = Panels == null ? B.At(j, p) : Panels + (nint)j * K + (nint)p * columns,
                StrideB = Panels == null ? B.Stride : columns,
            };
            panel.Ahead = panel.B;

            var rows = stackalloc int[MostRows];
            var outs = stackalloc int[MostRows];
            var edgeOuts = stackalloc int[MostRows];
            var edgeStarts = stackalloc int[MostRows];
            var edge = stackalloc T[MostRows * MostColumns];
            if (accumulate && !whole)
                new Span<T>(edge, MostRows * MostColumns).Clear();
            for (var i = first; i < end; i += mostRows)
            {
                var count = Math.Min(mostRows, end - i);
                var kernel = Set.Indirect(vectors, count, out var tileRows);
                // A tile that lacks rows computes its last one several times.
                for (var r = 0; r < tileRows; r++)
                {
                    rows[r] = Math.Min(r, count - 1) * (int)A.WidthStep;
                    outs[r] = Math.Min(r, count - 1) * (int)Ldc;
                    edgeOuts[r] = r * columns;
                    edgeStarts[r] = Math.Min(r, count - 1) * columns;
                }

                var c = C + i * Ldc + j;
                panel.A = A.At(i, p);
                panel.C = whole ? c : edge;
                panel.Start = !accumulate ? null : whole ? c : edge;
                // The last columns too start from what was summed before: equal columns of B give equal columns of C.
                if (accumulate && !whole)
                    GemmPacking.Unload(c, (int)Ldc, count, N - j, edge, columns, accumulate: false);
                kernel(&panel, rows, whole ? outs : edgeOuts, whole ? outs : edgeStarts);
                if (!whole)
                    GemmPacking.Unload(edge, columns, count, N - j, c, Ldc, accumulate: false);
            }
        }
    }
}
