using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Chooses how a product is computed, and computes large ones from packed panels.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal static unsafe class GemmDriver<T>
    where T : unmanaged, INumberBase<T>
{
    // A panel of B (k x columns of a tile) stays in L1, a block of A in L2, a block of B in L3. Measured on Zen 5 at 1024^3.
    private const int PanelBytes = 32 << 10;
    private const int BlockABytes = 320 << 10;
    private const int BlockBBytes = 4 << 20;

    // Below this many multiplications a product runs on one thread: it takes some 10 us.
    private const long ParallelVolume = 1 << 20;

    // With that many tasks for each thread, one that is slow delays the others little.
    private const int TasksPerThread = 4;

    private static readonly GemmKernelSet<T> Set = GemmKernelSet.Of<T>();

    /// <summary>C = op(A) op(B), or C += op(A) op(B). See <see cref="Gemm"/>.</summary>
    public static void Multiply(int m, int n, int k, GemmOperand<T> a, GemmOperand<T> b, T* c, nint ldc, bool accumulate)
    {
        if (m <= 0 || n <= 0)
            return;
        if (k <= 0)
        {
            for (var i = 0; i < m && !accumulate; i++)
                new Span<T>(c + i * ldc, n).Clear();
        }
        else if (n == 1)
        {
            MatrixVector<T>.Multiply(m, k, a, b.At(0, 0), b.DepthStep, c, ldc, accumulate);
        }
        else if (m == 1)
        {
            MatrixVector<T>.Multiply(n, k, b, a.At(0, 0), a.DepthStep, c, 1, accumulate);
        }
        else if (DirectGemm<T>.Suits(m, n, k, a, b, ldc))
        {
            DirectGemm<T>.Multiply(m, n, k, a, b, c, ldc, accumulate);
        }
        else
        {
            MultiplyPacked(m, n, k, a, b, c, ldc, accumulate);
        }
    }

    /// <summary>The products of a batch. See <see cref="Gemm"/>.</summary>
    public static void MultiplyBatched(
        int batch, int m, int n, int k, GemmOperand<T> a, nint strideA, GemmOperand<T> b, nint strideB, T* c, nint ldc, nint strideC,
        bool accumulate)
    {
        var volume = (long)m * n * k;
        var job = new BatchJob(m, n, k, a, strideA, b, strideB, c, ldc, strideC, accumulate);
        // A product inside a tile runs on that tile's thread; few large products are better computed one after another.
        var together = volume * batch >= ParallelVolume && (volume < ParallelVolume || batch >= TasksPerThread * CpuParallel.ThreadsHere);
        Run(together, batch, job);
    }

    /// <summary>Runs a job's tiles on the team, or on the calling thread.</summary>
    public static void Run<TJob>(bool parallel, int tiles, TJob job)
        where TJob : unmanaged, ITileJob
    {
        if (parallel)
        {
            CpuParallel.Run(tiles, job);
            return;
        }

        for (var tile = 0; tile < tiles; tile++)
            job.Execute(tile, 0);
    }

    private static void MultiplyPacked(
        int m, int n, int k, GemmOperand<T> a, GemmOperand<T> b, T* c, nint ldc, bool accumulate)
    {
        var (rows, columns, _) = Set.Product;
        var parallel = (long)m * n * k >= ParallelVolume;
        var depth = BlockSize(k, Math.Min(512, PanelBytes / (columns * sizeof(T))), 1);
        var blockN = BlockSize(n, BlockBBytes / (depth * sizeof(T)), columns);
        var blockM = BlockSize(m, BlockABytes / (depth * sizeof(T)), rows);
        // How C is divided among threads has no influence on its values.
        if (parallel)
            blockM = Math.Min(blockM, BlockSize(m, Math.Max(m / CpuParallel.ThreadsHere, 8 * rows), rows));
        var blocksM = Blocks(m, blockM);
        var packedB = CpuScratch.Get<T>(CpuScratch.Slot.GemmB, (long)depth * blockN);

        for (var j = 0; j < n; j += blockN)
        {
            var width = Math.Min(blockN, n - j);
            var wantedN = parallel ? Blocks(TasksPerThread * CpuParallel.ThreadsHere, blocksM) : 1;
            var taskN = BlockSize(width, Math.Max(Blocks(width, wantedN), 4 * columns), columns);
            for (var p = 0; p < k; p += depth)
            {
                var kc = Math.Min(depth, k - p);
                var pack = new PackJob(b, j, width, p, kc, packedB);
                Run(parallel, pack.Tiles, pack);
                var product = new ProductJob
                {
                    A = a,
                    PackedB = packedB,
                    C = c + j,
                    Ldc = ldc,
                    Rows = m,
                    Columns = width,
                    FirstDepth = p,
                    Depth = kc,
                    BlockM = blockM,
                    BlocksM = blocksM,
                    BlockN = taskN,
                    Accumulate = accumulate || p > 0,
                };
                Run(parallel, blocksM * Blocks(width, taskN), product);
            }
        }
    }

    private static int Blocks(int size, int block) => (size + block - 1) / block;

    // Blocks of equal size, none larger than wanted, whole multiples of a unit.
    private static int BlockSize(int size, int largest, int unit)
    {
        var blocks = Blocks(size, Math.Max(unit, largest / unit * unit));
        return Blocks(Blocks(size, blocks), unit) * unit;
    }

    private readonly struct BatchJob(
        int m, int n, int k, GemmOperand<T> a, nint strideA, GemmOperand<T> b, nint strideB, T* c, nint ldc, nint strideC, bool accumulate)
        : ITileJob
    {
        private readonly GemmOperand<T> _a = a, _b = b;
        private readonly T* _c = c;

        public void Execute(int tile, int worker) =>
            Multiply(m, n, k, _a.Moved(tile * strideA), _b.Moved(tile * strideB), _c + tile * strideC, ldc, accumulate);
    }

    // Packs panels of B: [panel][depth][columns of a tile].
    private readonly struct PackJob(GemmOperand<T> b, int first, int width, int p, int depth, T* packed) : ITileJob
    {
        private const int PanelsPerTile = 4;

        private readonly T* _packed = packed;

        public int Tiles => Blocks(width, PanelsPerTile * Set.Product.Columns);

        public void Execute(int tile, int worker)
        {
            var columns = Set.Product.Columns;
            var end = Math.Min(width, (tile + 1) * PanelsPerTile * columns);
            for (var j = tile * PanelsPerTile * columns; j < end; j += columns)
                b.Pack(first + j, Math.Min(columns, width - j), p, depth, columns, _packed + (nint)j * depth);
        }
    }

    // Computes a block of C from a block of A, which it packs, and panels of B.
    private struct ProductJob : ITileJob
    {
        public GemmOperand<T> A;
        public T* PackedB;
        public T* C;
        public nint Ldc;
        public int Rows, Columns, FirstDepth, Depth, BlockM, BlocksM, BlockN;
        public bool Accumulate;

        public readonly void Execute(int tile, int worker)
        {
            var (rows, columns, _) = Set.Product;
            var i0 = tile % BlocksM * BlockM;
            var i1 = Math.Min(Rows, i0 + BlockM);
            var j0 = tile / BlocksM * BlockN;
            var j1 = Math.Min(Columns, j0 + BlockN);
            var packedA = CpuScratch.Get<T>(CpuScratch.Slot.GemmA, (long)Blocks(i1 - i0, rows) * rows * Depth);
            for (var i = i0; i < i1; i += rows)
                A.Pack(i, Math.Min(rows, i1 - i), FirstDepth, Depth, rows, packedA + (nint)(i - i0) * Depth);
            Compute(packedA, i0, i1, j0, j1);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly void Compute(T* packedA, int i0, int i1, int j0, int j1)
        {
            var (rows, columns, _) = Set.Product;
            var kernel = Set.Product.Kernel;
            var edge = stackalloc T[rows * columns];
            for (var j = j0; j < j1; j += columns)
            {
                var b = PackedB + (nint)j * Depth;
                for (var i = i0; i < i1; i += rows)
                {
                    var a = packedA + (nint)(i - i0) * Depth;
                    var c = C + i * Ldc + j;
                    if (i + rows <= i1 && j + columns <= j1)
                    {
                        kernel(Depth, a, rows, b, c, Ldc, Accumulate);
                    }
                    else
                    {
                        kernel(Depth, a, rows, b, edge, columns, false);
                        GemmPacking.Unload(edge, columns, Math.Min(rows, i1 - i), Math.Min(columns, j1 - j), c, Ldc, Accumulate);
                    }
                }
            }
        }
    }
}
