using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Launches of <c>subspace.cu</c>: what a subspace iteration is made of, in float64. A block of directions is [d, b]
/// row-major, a direction a column.</summary>
public sealed unsafe class SubspaceKernels : KernelFamily
{
    /// <summary>The most directions of a block.</summary>
    public const int MostDirections = 1536;

    private const int Threads = 256;
    private const int SharedBytes = 48 << 10;

    private readonly CudaFunction[] _widen;
    private readonly CudaFunction _diagonal;
    private readonly CudaFunction _start;
    private readonly CudaFunction _multiply;
    private readonly CudaFunction _inner;
    private readonly CudaFunction _cholesky;
    private readonly CudaFunction _solve;
    private readonly CudaFunction _residual;

    /// <summary>Loads the family.</summary>
    /// <param name="context">The device.</param>
    /// <exception cref="DeviceException">The kernels cannot be compiled or loaded.</exception>
    public SubspaceKernels(CudaContext context)
        : base(context, "subspace")
    {
        _widen = [Function("widen_acc64_f32"), Function("widen_acc64_bf16"), Function("widen_f64")];
        _diagonal = Function("subspace_diagonal_f64");
        _start = Function("subspace_start_f64");
        _multiply = Function("subspace_multiply_f64");
        _inner = Function("subspace_inner_f64");
        _cholesky = Function("subspace_cholesky_f64");
        _solve = Function("subspace_solve_f64");
        _residual = Function("subspace_residual_f64");
    }

    /// <summary>Rows in float64.</summary>
    /// <param name="type">The type of z.</param>
    /// <param name="z">[n, d]</param>
    /// <param name="y">[n, d], or [d, n] if transposed.</param>
    /// <param name="n">Rows of z.</param>
    /// <param name="d">Columns of z.</param>
    /// <param name="transposed">Whether y is the transpose.</param>
    /// <exception cref="UsageException">More than 2^31 - 1 tiles of 32 x 32.</exception>
    public void Widen(DType type, nint z, nint y, long n, long d, bool transposed)
    {
        if (n == 0 || d == 0)
            return;
        var tiles = Blocks(n, 32) * Blocks(d, 32);
        if (tiles > int.MaxValue)
            throw new UsageException($"features in float64: got {n} x {d}, wants at most 2^31 - 1 tiles of 32 x 32");
        var across = transposed ? 1 : 0;
        void** arguments = stackalloc void*[] { &z, &y, &n, &d, &across };
        Stream.Launch(_widen[(int)type], new LaunchShape((uint)tiles, 1, 1, Threads), arguments);
    }

    /// <summary>The diagonal of a square matrix.</summary>
    /// <param name="g">[d, d]</param>
    /// <param name="diagonal">[d], receives it.</param>
    /// <param name="d">The size.</param>
    public void Diagonal(nint g, nint diagonal, long d)
    {
        if (d == 0)
            return;
        void** arguments = stackalloc void*[] { &g, &diagonal, &d };
        Stream.Launch(_diagonal, LaunchShape.ForCount(d), arguments);
    }

    /// <summary>The fixed start of the iteration, in [-1, 1): the numbers of the CPU's.</summary>
    /// <param name="q">[d, b], receives them.</param>
    /// <param name="d">Rows.</param>
    /// <param name="b">Directions.</param>
    public void Start(nint q, long d, int b)
    {
        if (d == 0 || b == 0)
            return;
        void** arguments = stackalloc void*[] { &q, &d, &b };
        Stream.Launch(_start, LaunchShape.ForCount(d * b), arguments);
    }

    /// <summary>y = scale G x.</summary>
    /// <param name="g">[m, l]</param>
    /// <param name="x">[l, b]</param>
    /// <param name="y">[m, b]; none of the others.</param>
    /// <param name="m">Rows of G.</param>
    /// <param name="l">Columns of G.</param>
    /// <param name="b">Directions.</param>
    /// <param name="scale">A power of two does not round.</param>
    public void Multiply(nint g, nint x, nint y, long m, long l, int b, double scale = 1)
    {
        if (m == 0 || b == 0)
            return;
        void** arguments = stackalloc void*[] { &g, &x, &y, &m, &l, &b, &scale };
        Stream.Launch(_multiply, new LaunchShape((uint)Blocks(m, 16), (uint)Blocks(b, 32), 1, Threads), arguments);
    }

    /// <summary>h = xᵀy.</summary>
    /// <param name="x">[d, b]</param>
    /// <param name="y">[d, b]; may be x.</param>
    /// <param name="h">[b, b]</param>
    /// <param name="d">Rows.</param>
    /// <param name="b">Directions.</param>
    public void Inner(nint x, nint y, nint h, long d, int b)
    {
        if (b == 0)
            return;
        var blocks = (uint)Blocks(b, 16);
        void** arguments = stackalloc void*[] { &x, &y, &h, &d, &b };
        Stream.Launch(_inner, new LaunchShape(blocks, blocks, 1, Threads), arguments);
    }

    /// <summary>h becomes R with h = RᵀR, zero below the diagonal.</summary>
    /// <param name="h">[b, b] symmetric; only its upper triangle is read.</param>
    /// <param name="b">Directions, at most <see cref="MostDirections"/>.</param>
    /// <param name="tolerance">A pivot at or below this share of its diagonal entry counts as 0.</param>
    /// <param name="info">One int, 0 before the first call: receives the number of the first such column, from 1, and then keeps
    /// it; h becomes the identity.</param>
    /// <exception cref="UsageException">b is too large.</exception>
    public void Cholesky(nint h, int b, double tolerance, nint info)
    {
        if (b == 0)
            return;
        Fits(b);
        void** arguments = stackalloc void*[] { &h, &b, &tolerance, &info };
        Stream.Launch(_cholesky, new LaunchShape(1, 1, 1, Threads), arguments);
    }

    /// <summary>q becomes q R⁻¹.</summary>
    /// <param name="r">R: [b, b] upper triangular.</param>
    /// <param name="q">[d, b]</param>
    /// <param name="d">Rows.</param>
    /// <param name="b">Directions, at most <see cref="MostDirections"/>.</param>
    /// <exception cref="UsageException">b is too large.</exception>
    public void Solve(nint r, nint q, long d, int b)
    {
        if (d == 0 || b == 0)
            return;
        Fits(b);
        // Four rows a warp, which lie in shared memory while they are solved.
        var warps = Math.Clamp(SharedBytes / (4 * b * sizeof(double)), 1, Threads / 32);
        void** arguments = stackalloc void*[] { &r, &q, &d, &b };
        var shape = new LaunchShape((uint)Blocks(d, 4 * warps), 1, 1, (uint)warps * 32, (uint)(4 * warps * b * sizeof(double)));
        Stream.Launch(_solve, shape, arguments);
    }

    /// <summary>squares[j] = |gx_j - values[j] x_j|² of the columns j.</summary>
    /// <param name="x">[d, b]</param>
    /// <param name="gx">[d, b]</param>
    /// <param name="values">[b]</param>
    /// <param name="squares">[b]</param>
    /// <param name="d">Rows.</param>
    /// <param name="b">Directions.</param>
    public void Residual(nint x, nint gx, nint values, nint squares, long d, int b)
    {
        if (b == 0)
            return;
        void** arguments = stackalloc void*[] { &x, &gx, &values, &squares, &d, &b };
        Stream.Launch(_residual, new LaunchShape((uint)Blocks(b, 32), 1, 1, Threads), arguments);
    }

    private static long Blocks(long count, long size) => (count + size - 1) / size;

    private static void Fits(int b)
    {
        if (b > MostDirections)
            throw new UsageException($"subspace iteration: got a block of {b} directions, wants at most {MostDirections}; decompose the whole matrix instead");
    }
}
