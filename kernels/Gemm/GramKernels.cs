using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Launches of <c>gram.cu</c>: Gram matrices in float64.</summary>
public sealed unsafe class GramKernels : KernelFamily
{
    private const int Tile = 64;
    private const int Threads = 256;

    // The kernel's chunk of float32 products: a segment holds whole ones.
    private const int Chunk = 256;

    // Blocks that fill a large device, and partial matrices that fit beside the rest.
    private const int WantedBlocks = 512;
    private const int MostSegments = 32;

    private readonly CudaFunction[] _chunked;
    private readonly CudaFunction[] _exact;
    private readonly CudaFunction _fold;

    /// <summary>Loads the family.</summary>
    /// <param name="context">The device.</param>
    /// <exception cref="DeviceException">The kernels cannot be compiled or loaded.</exception>
    public GramKernels(CudaContext context)
        : base(context, "gram")
    {
        var f64 = Function("gram_f64");
        _chunked = [Function("gram_chunked_acc64_f32"), Function("gram_chunked_acc64_bf16"), f64];
        _exact = [Function("gram_acc64_f32"), Function("gram_acc64_bf16"), f64];
        _fold = Function("gram_fold_f64");
    }

    /// <summary>Whether products in float64 cost little on a device: data-centre GPUs do them at half the rate of float32 (the
    /// others at 1/64).</summary>
    /// <param name="capability">The compute capability.</param>
    public static bool HasFastFloat64((int Major, int Minor) capability) => capability is (8, 0) or (9, 0) or (10, 0);

    /// <summary>Bytes of workspace for rows added at once: what is enough for them is enough for fewer.</summary>
    /// <param name="n">Rows.</param>
    /// <param name="d">Columns.</param>
    public static long WorkspaceBytes(long n, int d) => Math.Min(Chunks(n), MostOf(d)) * d * d * sizeof(double);

    /// <summary>gram += ZᵀZ.</summary>
    /// <param name="type">The type of the rows.</param>
    /// <param name="exact">Products in float64; else in float32, summed in float64 in chunks of 256 rows. float64 rows always have
    /// float64 products.</param>
    /// <param name="z">[n, d]</param>
    /// <param name="n">Rows; 0 leaves the matrix as it is.</param>
    /// <param name="d">Columns.</param>
    /// <param name="gram">[d, d] float64, symmetric before and after.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/>.</param>
    /// <param name="firstBad">One uint64: receives the least index of a value that is not finite, if it is below what it holds. The
    /// matrix is of no use then.</param>
    /// <param name="firstRow">The number of z's first row in that index.</param>
    public void Add(DType type, bool exact, nint z, long n, int d, nint gram, nint workspace, nint firstBad, long firstRow = 0)
    {
        if (n == 0 || d == 0)
            return;
        var (segments, rows) = Cut(n, d);
        long columns = d;
        void** arguments = stackalloc void*[] { &z, &n, &columns, &rows, &workspace, &firstRow, &firstBad };
        var shape = new LaunchShape((uint)Triangle(d, Tile), (uint)segments, 1, Threads);
        Stream.Launch((exact ? _exact : _chunked)[(int)type], shape, arguments);
        void** folded = stackalloc void*[] { &workspace, &segments, &gram, &columns };
        Stream.Launch(_fold, new LaunchShape((uint)Triangle(d, 32), 1, 1, Threads), folded);
    }

    // Follows from the sizes alone, as the order of summation must.
    private static (int Segments, long Rows) Cut(long n, int d)
    {
        var rows = (Chunks(n) + MostOf(d) - 1) / MostOf(d) * Chunk;
        return ((int)((n + rows - 1) / rows), rows);
    }

    private static long Chunks(long n) => (n + Chunk - 1) / Chunk;

    // The most segments.
    private static long MostOf(int d) => Math.Clamp(WantedBlocks / Triangle(d, Tile), 1, MostSegments);

    private static long Triangle(int d, int tile)
    {
        long tiles = (d + tile - 1) / tile;
        return tiles * (tiles + 1) / 2;
    }
}
