using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Householder reduction of a symmetric matrix to a tridiagonal one, T = Qᵀ A Q, and the forming of Q.</summary>
/// <remarks>
/// Rows are eliminated from the last to the first, so the part still to do is always the leading block. Half of the work is
/// one symmetric product a step, which cannot be blocked; the other half is delayed over <see cref="Panel"/> steps and
/// becomes a matrix product.
/// </remarks>
internal static unsafe class Tridiagonal
{
    private const int Panel = 32;

    // A tile of a symmetric product covers this many elements, some 20 us of work; the partition depends on the size alone.
    private const int TileElements = 40_000;
    private const int MaxTiles = 16;

    /// <summary>How many doubles of working memory <see cref="Reduce"/> wants.</summary>
    public static long ReduceScratch(int n) => (4 * Panel + MaxTiles) * (long)Workspace.Stride(n) + 4 * Panel;

    /// <summary>Reduces a (lower triangle, destroyed): d its diagonal, e[i] what couples i - 1 and i.</summary>
    /// <param name="n">The size.</param>
    /// <param name="a">[n, n], only the lower triangle is read.</param>
    /// <param name="lda">Its row stride.</param>
    /// <param name="d">[n]</param>
    /// <param name="e">[n]; e[0] = 0</param>
    /// <param name="v">[n, n], zero on entry: row i receives the reflector that eliminated row i, i values long.</param>
    /// <param name="ldv">Its row stride.</param>
    /// <param name="tau">[n]</param>
    /// <param name="scratch">Working memory.</param>
    public static void Reduce(int n, double* a, nint lda, double* d, double* e, double* v, nint ldv, double* tau, double* scratch)
    {
        var ld = Workspace.Stride(n);
        var pairs = scratch;                      // rows 2 j and 2 j + 1: v_j and w_j, A becomes A - v wᵀ - w vᵀ
        var negated = pairs + 2L * Panel * ld;    // rows 2 j and 2 j + 1: -w_j and -v_j
        var partial = negated + 2L * Panel * ld;
        var coefficients = partial + (long)MaxTiles * ld;
        for (var end = n; end > 0; end -= Panel)
        {
            var done = Math.Max(end - Panel, 0);
            var rows = 0;
            for (var i = end - 1; i >= done; i--)
            {
                var row = a + i * lda;
                for (var j = 0; j < rows; j++)
                    coefficients[j] = negated[(long)j * ld + i];
                DenseKernels.AddRows(rows, i + 1, pairs, ld, coefficients, row);
                d[i] = row[i];
                if (i == 0)
                {
                    e[0] = tau[0] = 0;
                    break;
                }

                tau[i] = BlockReflector.Make(i - 1, row, row[i - 1], out e[i]);
                if (tau[i] == 0)
                    continue;
                row[i - 1] = 1;
                var vector = pairs + (long)rows * ld;
                new Span<double>(row, i).CopyTo(new Span<double>(vector, i));
                new Span<double>(row, i).CopyTo(new Span<double>(v + i * ldv, i));
                Complement(i, a, lda, tau[i], vector, pairs, negated, ld, rows, partial, coefficients);
                rows += 2;
            }

            Update(done, a, lda, pairs, negated, ld, rows);
        }
    }

    /// <summary>Forms Qᵀ in z ([n, n], any content; its stride must be <see cref="Workspace.Stride"/> or more).</summary>
    public static void FormTransposedQ(int n, double* v, nint ldv, double* tau, double* z, nint ldz, double* scratch)
    {
        for (var i = 0; i < n; i++)
        {
            new Span<double>(z + i * ldz, (int)ldz).Clear();
            z[i * ldz + i] = 1;
        }

        // Qᵀ = H_1 H_2 .. H_(n-1); the first reflectors touch the leading block only.
        for (var first = 1; first < n; first += BlockReflector.Width)
        {
            var count = Math.Min(BlockReflector.Width, n - first);
            var size = first + count - 1;
            BlockReflector.Apply(size, size, z, ldz, count, v + first * ldv, ldv, tau + first, false, scratch);
        }
    }

    // w = tau (p - (tau / 2)(p · v) v) with p = A v, A being the stored matrix less the panel's earlier pairs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Complement(
        int n, double* a, nint lda, double tau, double* v, double* pairs, double* negated, nint ld, int rows, double* partial,
        double* coefficients)
    {
        var w = v + ld;
        Product(n, a, lda, v, w, partial, ld);
        var products = coefficients + 2 * Panel;
        DenseKernels.DotRows(rows, n, pairs, ld, v, products);
        for (var j = 0; j < rows; j += 2)
        {
            coefficients[j] = -products[j + 1];
            coefficients[j + 1] = -products[j];
        }

        DenseKernels.AddRows(rows, n, pairs, ld, coefficients, w);
        var half = 0.5 * tau * tau * DenseKernels.Dot(n, w, v);
        var minusW = negated + rows * ld;
        var minusV = minusW + ld;
        for (var i = 0; i < n; i++)
        {
            w[i] = tau * w[i] - half * v[i];
            minusW[i] = -w[i];
            minusV[i] = -v[i];
        }
    }

    // y = A x from the lower triangle.
    private static void Product(int n, double* a, nint lda, double* x, double* y, double* partial, nint ld)
    {
        var tiles = (int)Math.Clamp((long)n * n / 2 / TileElements, 1, MaxTiles);
        if (tiles == 1)
        {
            DenseKernels.SymmetricRows(0, n, a, lda, x, y);
            return;
        }

        CpuParallel.Run(tiles, new ProductJob(n, tiles, a, lda, x, partial, ld));
        new Span<double>(y, n).Clear();
        var one = 1.0;
        for (var t = 0; t < tiles; t++)
            DenseKernels.AddRows(1, ProductJob.Border(n, t + 1, tiles), partial + t * ld, ld, &one, y);
    }

    // A -= V Wᵀ + W Vᵀ on the lower triangle, in blocks of rows that reach to the diagonal.
    private static void Update(int n, double* a, nint lda, double* pairs, double* negated, nint ld, int rows)
    {
        if (rows == 0)
            return;
        const int block = 128;
        for (var first = 0; first < n; first += block)
        {
            var height = Math.Min(block, n - first);
            Gemm.Multiply(
                height, first + height, rows, pairs + first, ld, true, negated, ld, false, a + first * lda, lda, true);
        }
    }

    private readonly struct ProductJob(int n, int tiles, double* a, nint lda, double* x, double* partial, nint ld) : ITileJob
    {
        // Equal areas of the triangle, in whole groups of four rows.
        public static int Border(int n, int tile, int tiles) =>
            tile == tiles ? n : (int)(n * Math.Sqrt((double)tile / tiles)) & ~3;

        public void Execute(int tile, int worker) => DenseKernels.SymmetricRows(
            Border(n, tile, tiles), Border(n, tile + 1, tiles), a, lda, x, partial + tile * ld);
    }
}
