using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Gram matrices in double of rows of T.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal static unsafe class GramDriver<T>
    where T : unmanaged, INumberBase<T>
{
    // All packed columns of a chunk of rows; it may fill L3.
    private const int ChunkBytes = 8 << 20;

    // Two panels of a block of rows stay in L1, a group of them in L2. Measured on Zen 5 at d = 512 and 768.
    private const int Depth = 128;

    private const int LargestGroup = 8;

    private const long ParallelVolume = 1 << 20;

    private static readonly GemmKernelSet<double> Set = GemmKernelSet.Of<double>();

    /// <summary>gram += Xᵀ X. See <see cref="Gemm"/>.</summary>
    public static void Add(int n, int d, T* x, nint ldx, double* gram)
    {
        if (d <= 0)
            return;
        var columns = Set.Gram.Columns;
        var panels = (d + columns - 1) / columns;
        var chunk = Math.Max(Depth, ChunkBytes / (panels * columns * sizeof(double)) / Depth * Depth);
        var group = GroupSize(panels);
        var parallel = (long)n * d * d >= ParallelVolume;
        for (var row = 0; row < n; row += chunk)
        {
            var rows = Math.Min(chunk, n - row);
            var packed = CpuScratch.Get<double>(CpuScratch.Slot.GemmB, (long)rows * panels * columns);
            var blocks = (rows + Depth - 1) / Depth;
            GemmDriver<double>.Run(parallel, panels * blocks, new PackJob(x + row * ldx, ldx, rows, d, panels, packed));
            var triangle = new TriangleJob(rows, d, panels, group, packed, gram);
            GemmDriver<double>.Run(parallel, triangle.Tiles, triangle);
        }

        Mirror(d, gram);
    }

    // Panels of a task: many share what they read; few give every thread something to do. The sums do not depend on it.
    private static int GroupSize(int panels)
    {
        for (var group = LargestGroup; group > 1; group /= 2)
        {
            if (Triangle((panels + group - 1) / group) >= 4 * CpuParallel.ThreadsHere)
                return group;
        }

        return 1;
    }

    private static int Triangle(int size) => size * (size + 1) / 2;

    private static void Mirror(int d, double* gram)
    {
        const int Block = 32;
        for (var i0 = 0; i0 < d; i0 += Block)
        {
            for (var j0 = 0; j0 <= i0; j0 += Block)
            {
                for (nint i = i0; i < Math.Min(d, i0 + Block); i++)
                {
                    for (nint j = j0; j < Math.Min(i, j0 + Block); j++)
                        gram[i * d + j] = gram[j * d + i];
                }
            }
        }
    }

    // packed: [block of Depth rows][panel][row][column of the panel]
    private static double* Panel(double* packed, int rows, int panels, int block, int panel)
    {
        nint columns = Set.Gram.Columns;
        var depth = Math.Min(Depth, rows - block * Depth);
        return packed + (nint)block * Depth * panels * columns + panel * depth * columns;
    }

    private readonly struct PackJob(T* x, nint ldx, int rows, int d, int panels, double* packed) : ITileJob
    {
        private readonly T* _x = x;
        private readonly double* _packed = packed;

        public void Execute(int tile, int worker)
        {
            var block = tile / panels;
            var panel = tile % panels;
            var columns = Set.Gram.Columns;
            var source = _x + block * Depth * ldx + panel * columns;
            var count = Math.Min(columns, d - panel * columns);
            var depth = Math.Min(Depth, rows - block * Depth);
            var target = Panel(_packed, rows, panels, block, panel);
            if (typeof(T) == typeof(float))
                GemmPacking.AlongWidened((float*)source, ldx, count, depth, columns, target);
            else
                GemmPacking.Along((double*)source, ldx, count, depth, columns, target);
        }
    }

    // A tile is a group of panels times another group, if it lies in the upper triangle.
    private readonly struct TriangleJob(int rows, int d, int panels, int group, double* packed, double* gram) : ITileJob
    {
        private readonly double* _packed = packed, _gram = gram;

        private int Groups => (panels + group - 1) / group;

        public int Tiles => Triangle(Groups);

        public void Execute(int tile, int worker)
        {
            int i = 0, left = tile;
            for (; left >= Groups - i; i++)
                left -= Groups - i;
            Compute(i * group, (i + left) * group);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Compute(int firstI, int firstJ)
        {
            var (tileRows, columns, _) = Set.Gram;
            var kernel = Set.Gram.Kernel;
            var endI = Math.Min(panels, firstI + group);
            var endJ = Math.Min(panels, firstJ + group);
            var stride = group * columns;
            var sums = CpuScratch.Get<double>(CpuScratch.Slot.GemmC, stride * stride);
            for (var block = 0; block * Depth < rows; block++)
            {
                var depth = Math.Min(Depth, rows - block * Depth);
                for (var j = firstJ; j < endJ; j++)
                {
                    var b = Panel(_packed, rows, panels, block, j);
                    for (var i = firstI; i < endI && i <= j; i++)
                    {
                        var a = Panel(_packed, rows, panels, block, i);
                        var sum = sums + (i - firstI) * columns * stride + (j - firstJ) * columns;
                        for (var r = 0; r < columns; r += tileRows)
                            kernel(depth, a + r, columns, b, sum + r * stride, stride, block > 0);
                    }
                }
            }

            for (var i = firstI; i < endI; i++)
            {
                // A group on the diagonal leaves out what lies below.
                var j = Math.Max(i, firstJ);
                var height = Math.Min(columns, d - i * columns);
                var width = Math.Min(endJ * columns, d) - j * columns;
                if (width > 0)
                {
                    var sum = sums + (i - firstI) * columns * stride + (j - firstJ) * columns;
                    GemmPacking.Unload(sum, stride, height, width, _gram + (nint)i * columns * d + j * columns, d, true);
                }
            }
        }
    }
}
