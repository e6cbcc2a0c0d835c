using EscNative.Engine.Plans;

namespace EscNative.Bench.Workshop;

/// <summary>Predicted seconds of what an erasure does beside the forward pass.</summary>
/// <param name="gpu">The device.</param>
internal sealed class ErasureTime(GpuModel gpu)
{
    /// <summary>Rounds of the solver that are taken for granted; the features' spectrum decides.</summary>
    public const int Rounds = 6;

    // The shares of their units' peak that the float64 kernels reach, as 1 to 3 resident blocks.
    private const double F64Share = 0.6;

    // Clocks of a kernel whose threads wait for each other: a slice of a product with G, a row of an inner product, a column of a
    // Cholesky factor, a column of a triangular solve. Estimates.
    private const double SliceClocks = 900, RowClocks = 175, ColumnClocks = 400, SolveClocks = 250;

    // Of the host, for the eigenpairs of a 32 x 32 matrix, growing with the cube: under a millisecond at 128.
    private const double SmallEigenSeconds = 15e-6;

    private const int GramTile = 64;
    private const int GramRows = 2048;

    /// <summary>The Gram matrix of n features, as they come from the forward pass.</summary>
    public double Gram(int n, int d)
    {
        double seconds = 0;
        for (var at = 0; at < n; at += GramRows)
        {
            var rows = Math.Min(GramRows, n - at);
            double side = (d + GramTile - 1) / GramTile, tiles = side * (side + 1) / 2;
            var segments = Math.Min((rows + 255) / 256, Math.Clamp(512 / tiles, 1, 32));
            var clocks = Math.Ceiling(tiles * segments / gpu.Shape.Multiprocessors) * (rows / segments) * GramTile * GramTile / gpu.F64PerClock / F64Share;
            seconds += gpu.Kernel(clocks) + gpu.Stream(segments * d * d * sizeof(double) / 2);
        }

        return seconds;
    }

    /// <summary>k directions of a Gram matrix [d, d]: on the host where d is small, else by subspace iteration.</summary>
    public double Directions(int d, int k)
    {
        if (d <= 128)
            return (2 * GpuModel.WaitSeconds) + (SmallEigenSeconds * Math.Pow(d / 32.0, 3));
        var b = (k + 31) / 16 * 16;
        double product = Product(d, d, b), small = Product(d, b, b);
        var inner = gpu.Kernel((double)d / 8 * RowClocks);
        var round = (2 * product) + (2 * small) + (4 * inner) + (2 * gpu.Kernel(b * ColumnClocks)) + (2 * gpu.Kernel(b * SolveClocks))
            + GpuModel.WaitSeconds + (SmallEigenSeconds * Math.Pow(b / 32.0, 3));
        return (Rounds * round) + GpuModel.WaitSeconds;
    }

    /// <summary>An epoch of ESC-T on n cached features: steps of gradient descent in one launch, then the hits of all rows.</summary>
    public double EscTEpoch(int n, int d, int classes, int batch)
    {
        var blocks = Math.Min((d + 3) / 4, 128);
        double columns = Math.Ceiling(d / 4.0 / blocks) * 4, steps = Math.Ceiling((double)n / batch);
        // Of a block: coordinates of rows and weights, and back; a warp's sums wait for memory as often as they multiply.
        var work = 2 * (batch + classes) * d * columns / (128.0 / gpu.Shape.MultiplyAddClocks) / 0.3;
        var exchange = Math.Ceiling((double)batch / blocks) * blocks * 10;
        var descent = steps * (gpu.Seconds(work + exchange) + (2 * GpuModel.BarrierSeconds));
        var panels = Math.Ceiling(d / (double)Math.Max(batch, 64));
        var hits = (panels * 2 * GpuModel.BarrierSeconds) + gpu.Seconds((double)n * d * classes / (blocks * 128.0 / gpu.Shape.MultiplyAddClocks) / 0.3);
        return descent + hits + GpuModel.LaunchSeconds + GpuModel.WaitSeconds;
    }

    /// <summary>The parts of a request from images in host memory to directions, in their order; the plan is compiled already.</summary>
    public IReadOnlyList<(string Part, double Seconds)> Request(IReadOnlyList<PlanStepInfo> steps, int images, int imageBytes, int d, int k)
    {
        var network = new NetworkTime(gpu, steps);
        var chunk = network.Chunk(images);
        return
        [
            ("upload of the first chunk; the others travel while it is computed", Math.Min(chunk, images) * (double)imageBytes / GpuModel.UploadBytesPerSecond),
            ("bytes to numbers", Math.Ceiling((double)images / chunk) * gpu.Stream(5.0 * chunk * imageBytes)),
            ("forward", network.Forward(images, chunk)),
            ("Gram matrix", Gram(images, d)),
            ("directions", Directions(d, k)),
        ];
    }

    private double Product(int rows, int depth, int columns)
    {
        var blocks = Math.Ceiling(rows / 16.0) * Math.Ceiling(columns / 32.0);
        var slice = Math.Max(SliceClocks, 16 * 32 * 64 / gpu.F64PerClock / F64Share);
        return gpu.Kernel(Math.Ceiling(blocks / gpu.Shape.Multiprocessors) * Math.Ceiling(depth / 64.0) * slice);
    }
}
