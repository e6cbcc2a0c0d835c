namespace EscNative.Kernels.Cpu;

/// <summary>Convolutions of 3x3 kernels and strides of 1 or 2 with fewer multiplications, in float.</summary>
/// <remarks>
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016. An output depends on its tile alone and the
/// order of its sums on the channels alone: results are equal bit for bit for any number of threads and images. A NaN or an
/// infinity makes all outputs of the tiles that read it NaN.
/// </remarks>
public static unsafe class Winograd
{
    // Transformed inputs and the products of a panel stay in L2 together with a point's weights.
    private const int BlockBytes = 512 << 10;

    // Weights that L3 does not hold are amortised by as many tiles.
    private const int StreamedTiles = 64;

    // With that many tasks for each thread, one that is slow delays the others little.
    private const int TasksPerThread = 4;

    // What Pays wants: measured where it says so, and the error grows with the channels.
    private const int FewestChannels = 16;
    private const int FewestChannelsStride2 = 32;
    private const int MostChannels = 512;
    private const double LeastSaved = 1.7;
    private const int FewestTiles = 4;

    // Larger weights come from memory in every pass: a network has others, which take their place in the cache. What a byte costs, in
    // floating-point operations of the same time: 170 GFLOP/s and 12 GB/s, two threads of an AMD EPYC of the Zen 3 generation.
    private const long CachedWeightBytes = 10 << 20;
    private const double FlopsPerByte = 14;

    // The direct convolution fetches weights while it computes.
    private const double DirectFlopsPerByte = FlopsPerByte / 2;

    /// <summary>y = f(conv(x, weight) + bias + residual).</summary>
    /// <param name="s">The sizes; the kernel is 3x3, and the strides are those of the weights' tile.</param>
    /// <param name="x">The input. It is read in place where its halo covers the padding, else through a copy.</param>
    /// <param name="weight">The weights, of the same sizes.</param>
    /// <param name="epilogue">What else is done in the same pass.</param>
    /// <param name="y">The output; its halo is not written. It does not overlap x.</param>
    /// <exception cref="ArgumentException">Another kernel or stride, weights or images of other sizes, or a function at the end other than ReLU.</exception>
    public static void Forward(in WindowShape s, in ImageView x, WinogradWeight weight, in ConvEpilogue epilogue, in ImageView y)
    {
        ArgumentNullException.ThrowIfNull(weight);
        Check(s, x, weight, epilogue, y);
        if (s.OutPixels == 0 || s.OutChannels == 0)
            return;
        using var call = KernelCall.Begin();
        if (weight.Tile == WinogradTile.F4x4)
            Run<WinogradF4>(s, x, weight.Data, epilogue, y);
        else if (weight.Tile == WinogradTile.F2x2)
            Run<WinogradF2>(s, x, weight.Data, epilogue, y);
        else
            Run<WinogradF4Stride2>(s, x, weight.Data, epilogue, y);
    }

    /// <summary>Whether <see cref="Forward"/> should be faster than the direct convolution, and with which tile: by what was measured, and for weights
    /// that come from memory by what they cost.</summary>
    /// <param name="s">The sizes; the batch is that of one call.</param>
    /// <param name="tile">The faster tile, if one pays.</param>
    // Times faster than the direct convolution with packed weights; one thread of an AMD EPYC of the Zen 5 generation, 512 bits.
    // Batches of 64 lie in memory, not in a cache:
    //   stride 1             batch 1: F4   F2    batch 4: F4   F2    batch 64: F4
    //    16 @ 32x32               2.2   1.3         2.1   1.3           1.3
    //    48 @ 32x32               2.9   1.9         3.0   1.8           1.9
    //    64 @ 32x32               3.1   1.9         3.1   1.9           2.0
    //    96 @ 16x16               3.4   2.0         3.4   2.0           2.5
    //    96 @ 8x8                 2.8   2.0         3.5   2.1           2.6
    //   128 @ 28x28               3.4   2.0         3.5   1.9           2.7
    //   256 @ 8x8                 3.0   2.1         3.7   2.2           3.0
    //   512 @ 7x7                 1.1   1.5         2.1   1.6           2.9
    //   512 @ 4x4                 0.4   1.4         1.1   1.6           3.5
    //   stride 2             batch 1              batch 4              batch 64
    //    16 ->  32 @ 32x32                          1.0
    //    32 ->  64 @ 16x16                          1.4                 0.9
    //    48 ->  96 @ 32x32        1.4               1.4                 1.2
    //    96 ->  96 @ 16x16        1.3               1.5                 1.3
    //   128 -> 256 @ 16x16        1.4               1.6                 1.4
    //   256 -> 512 @ 8x8          0.4               0.8                 1.5
    // Those were layers by themselves. In a network weights of 10 MB and more come from memory:
    // few tiles of many channels lose: they wait for the weights, which are up to four times as many as of a direct convolution.
    public static bool Pays(in WindowShape s, out WinogradTile tile)
    {
        tile = WinogradTile.F4x4;
        if (!s.IsPlain || (s.KernelHeight, s.KernelWidth) != (3, 3) || s.StrideHeight != s.StrideWidth || s.StrideHeight > 2)
            return false;
        var (fewest, most) = (Math.Min(s.InChannels, s.OutChannels), Math.Max(s.InChannels, s.OutChannels));
        if (fewest < FewestChannels || most > MostChannels)
            return false;
        var direct = s.Flops + DirectFlopsPerByte * Streamed(WeightBytes(s, 3));
        if (s.StrideHeight == 2)
        {
            tile = WinogradTile.F4x4Stride2;
            return fewest >= FewestChannelsStride2 && Cost<WinogradF4Stride2>(s) < direct;
        }

        var (four, two) = (Cost<WinogradF4>(s), Cost<WinogradF2>(s));
        if (two < four)
            tile = WinogradTile.F2x2;
        return Math.Min(four, two) < direct;
    }

    // The time of a pass in floating-point operations; infinite where it is known to lose.
    private static double Cost<TTransform>(in WindowShape s)
        where TTransform : unmanaged, IWinogradTransform
    {
        var (outputs, points) = (TTransform.Outputs, TTransform.Points);
        var tiles = (long)s.Batch * ((s.OutHeight + outputs - 1) / outputs) * ((s.OutWidth + outputs - 1) / outputs);
        // Outputs that a tile computes beyond the edge of a small map are work for nothing.
        var saved = 9.0 * s.OutPixels / (points * points * Math.Max(1, tiles));
        return saved >= LeastSaved && tiles >= FewestTiles
            ? s.Flops / saved + FlopsPerByte * Streamed(WeightBytes(s, TTransform.WeightPoints))
            : double.PositiveInfinity;
    }

    private static long Streamed(long bytes) => bytes > CachedWeightBytes ? bytes : 0;

    private static long WeightBytes(in WindowShape s, int points) => (long)points * points * s.InChannels * s.OutChannels * sizeof(float);

    private static void Run<TTransform>(in WindowShape s, in ImageView x, float* weights, in ConvEpilogue epilogue, in ImageView y)
        where TTransform : unmanaged, IWinogradTransform
    {
        var pass = new WinogradPass<TTransform>(s, x, weights, epilogue, y);
        var floats = pass.InputFloats(WinogradKernels.MostRows) + WinogradPass<TTransform>.ProductFloats(WinogradKernels.MostRows);
        var fewest = Streamed(WeightBytes(s, TTransform.WeightPoints)) > 0 ? StreamedTiles / WinogradKernels.MostRows : 1;
        var tiles = WinogradKernels.MostRows * (int)Math.Max(BlockBytes / (floats * sizeof(float)), fewest);
        var threads = s.Flops >= ConvForward.ParallelFlops ? CpuParallel.ThreadsHere : 1;
        if (threads > 1)
            tiles = Math.Min(tiles, WinogradKernels.MostRows * Math.Max(1, pass.Tiles / (TasksPerThread * threads * WinogradKernels.MostRows)));
        var blocks = (pass.Tiles + tiles - 1) / tiles;
        if (threads == 1 || blocks >= 2 * threads)
        {
            SimdRunner.Run<float, BlockJob<TTransform>>(blocks, new BlockJob<TTransform>(pass, tiles));
            return;
        }

        // Too few blocks to share: the threads transform all inputs together, and then share panels as well as tiles.
        tiles = WinogradKernels.MostRows;
        blocks = (pass.Tiles + tiles - 1) / tiles;
        var input = CpuScratch.Get<float>(CpuScratch.Slot.WinogradInput, pass.InputFloats(pass.Tiles));
        SimdRunner.Run<float, InputJob<TTransform>>(blocks, new InputJob<TTransform>(pass, tiles, input));
        var blocksPerTask = Math.Max(1, blocks * pass.Panels / (TasksPerThread * threads));
        var tasks = (blocks + blocksPerTask - 1) / blocksPerTask * pass.Panels;
        SimdRunner.Run<float, ProductJob<TTransform>>(tasks, new ProductJob<TTransform>(pass, tiles * blocksPerTask, input));
    }

    private static void Check(in WindowShape s, in ImageView x, WinogradWeight weight, in ConvEpilogue epilogue, in ImageView y)
    {
        if (!s.IsPlain)
        {
            throw new ArgumentException(
                $"winograd: got {s.Groups} groups and a dilation of {s.DilationHeight}, {s.DilationWidth}, wants 1 and 1, 1", nameof(s));
        }

        var stride = weight.Tile == WinogradTile.F4x4Stride2 ? 2 : 1;
        if ((s.KernelHeight, s.KernelWidth, s.StrideHeight, s.StrideWidth) != (3, 3, stride, stride))
        {
            throw new ArgumentException(
                $"winograd {weight.Tile}: got a {s.KernelHeight}x{s.KernelWidth} kernel with strides {s.StrideHeight}, {s.StrideWidth}, wants 3x3 and {stride}, {stride}",
                nameof(s));
        }

        if ((weight.OutChannels, weight.InChannels) != (s.OutChannels, s.InChannels))
        {
            throw new ArgumentException(
                $"winograd: weights are for {weight.InChannels} -> {weight.OutChannels} channels, the shape wants {s.InChannels} -> {s.OutChannels}",
                nameof(weight));
        }

        if (epilogue.Function is { } function)
            throw new ArgumentException($"winograd: got {function} at its end, which direct convolutions alone have", nameof(epilogue));
        Check(x, s.Height, s.Width, s.InChannels, nameof(x));
        Check(y, s.OutHeight, s.OutWidth, s.OutChannels, nameof(y));
        if (!epilogue.Residual.IsNone)
            Check(epilogue.Residual, s.OutHeight, s.OutWidth, s.OutChannels, nameof(epilogue));
    }

    private static void Check(in ImageView view, int height, int width, int channels, string name)
    {
        if ((view.Height, view.Width, view.Channels) != (height, width, channels))
        {
            throw new ArgumentException(
                $"winograd: {name} has images of {(view.Height, view.Width, view.Channels)} (HWC), the shape wants {(height, width, channels)}", name);
        }
    }

    // A block of tiles, from input to output, in the memory of the thread.
    private readonly struct BlockJob<TTransform>(WinogradPass<TTransform> pass, int tiles) : ISimdJob<float>
        where TTransform : unmanaged, IWinogradTransform
    {
        private readonly WinogradPass<TTransform> _pass = pass;
        private readonly int _tiles = tiles;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            var first = tile * _tiles;
            var count = Math.Min(_tiles, _pass.Tiles - first);
            var input = CpuScratch.Get<float>(CpuScratch.Slot.WinogradInput, _pass.InputFloats(_tiles));
            _pass.TransformInput<V>(first, count, input);
            for (var panel = 0; panel < _pass.Panels; panel++)
                _pass.Finish<V>(first, count, panel, input);
        }
    }

    private readonly struct InputJob<TTransform>(WinogradPass<TTransform> pass, int tiles, float* input) : ISimdJob<float>
        where TTransform : unmanaged, IWinogradTransform
    {
        private readonly WinogradPass<TTransform> _pass = pass;
        private readonly int _tiles = tiles;
        private readonly float* _input = input;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            var first = tile * _tiles;
            _pass.TransformInput<V>(first, Math.Min(_tiles, _pass.Tiles - first), _input + _pass.InputFloats(first));
        }
    }

    // The tasks of a panel follow one another: they share its weights.
    private readonly struct ProductJob<TTransform>(WinogradPass<TTransform> pass, int tiles, float* input) : ISimdJob<float>
        where TTransform : unmanaged, IWinogradTransform
    {
        private readonly WinogradPass<TTransform> _pass = pass;
        private readonly int _tiles = tiles;
        private readonly float* _input = input;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            var (panel, block) = Math.DivRem(tile, (_pass.Tiles + _tiles - 1) / _tiles);
            var first = block * _tiles;
            _pass.Finish<V>(first, Math.Min(_tiles, _pass.Tiles - first), panel, _input + _pass.InputFloats(first));
        }
    }
}
