using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The gradient of a convolution's weights.</summary>
/// <remarks>
/// dw[tap, channel] = sum over pixels p of window[p + tap] * dy[p, channel]: the indirect kernel with the taps as rows and
/// the pixels as depth. The pixels are divided into a number of splits that depends on the sizes alone; each split sums its
/// groups in order, and the splits are added up in order.
/// </remarks>
internal static unsafe class ConvWeightGradient
{
    // So many pixels are summed before their sums are stored; their dy and window stay in L2.
    private const int PixelsPerGroup = 256;

    // With fewer taps dy is not read often enough to pay for packing.
    private const int FewTaps = 64;

    private const int MostSplits = 16;
    private const int PixelsPerSplit = 1024;
    private const int SplitBytes = 4 << 20;
    private const int TasksPerThread = 4;
    private const int TapsPerBlock = 96;
    private const int MostRows = 8;

    private static readonly GemmKernelSet<float> Set = GemmKernelSet.Of<float>();

    /// <summary>Computes dw. See <see cref="Conv"/>.</summary>
    public static void Run(in WindowShape s, float* x, float* dy, float* dw)
    {
        if (s.OutChannels == 0 || s.Taps == 0)
            return;
        if (s.OutPixels == 0)
        {
            new Span<float>(dw, s.OutChannels * s.Taps).Clear();
            return;
        }

        var source = ConvForward.Source(s, new ImageView(x, s.Height, s.Width, s.InChannels));
        var grid = ConvGrid.Create(s.Batch, s.OutHeight, s.OutWidth, source, PixelsPerGroup, tasks: 1);
        var channels = ConvChannels.Padded(s.GroupOutChannels);
        var phase = new ConvPhase { RowCount = s.OutHeight, PixelsPerRow = s.OutWidth };
        var pixels = phase.TableSize(grid);
        phase.Pixels = CpuScratch.Get<int>(CpuScratch.Slot.ConvTable, pixels + s.Taps);
        phase.Taps = phase.Pixels + pixels;
        ConvForward.FillTaps(s, source, phase.Taps);
        phase.FillPixels(grid, source, 0, s.StrideWidth);

        var sumBytes = (long)s.Groups * s.Taps * channels * sizeof(float);
        var splits = (int)Math.Clamp(Math.Min(s.OutPixels / PixelsPerSplit, SplitBytes / sumBytes), 1, Math.Min(MostSplits, grid.Groups));
        var sums = CpuScratch.Get<float>(CpuScratch.Slot.ConvWeight, splits * sumBytes / sizeof(float));
        var parallel = s.Flops >= ConvForward.ParallelFlops;
        // Blocks of taps that several threads share; the sums do not depend on them.
        var wanted = parallel ? (TasksPerThread * CpuParallel.ThreadsHere + splits - 1) / splits : 1;
        var tapsPerBlock = Math.Max((s.Taps + wanted - 1) / wanted, TapsPerBlock) + MostRows - 1;
        tapsPerBlock -= tapsPerBlock % MostRows;
        var job = new SumJob
        {
            Grid = grid,
            Source = source,
            Phase = phase,
            Dy = dy,
            OutChannels = s.OutChannels,
            Channels = s.GroupOutChannels,
            ChannelGroups = s.Groups,
            GroupStep = s.GroupInChannels,
            Taps = s.Taps,
            Splits = splits,
            TapsPerBlock = tapsPerBlock,
            Sums = sums,
            SumStride = channels,
            OutImageStride = (long)s.OutHeight * s.OutWidth * s.OutChannels,
            OutRowStride = s.OutWidth * s.OutChannels,
        };
        GemmDriver<float>.Run(parallel, splits * ((s.Taps + tapsPerBlock - 1) / tapsPerBlock), job);
        var add = new AddJob(s.Groups, s.GroupOutChannels, s.Taps, splits, sums, channels, dw);
        GemmDriver<float>.Run(parallel, add.Tiles, add);
    }

    // Sums one split for a block of taps: sums[split, group of channels, tap, channel].
    private struct SumJob : ITileJob
    {
        public ConvGrid Grid;
        public ConvSource Source;
        public ConvPhase Phase;
        public float* Dy;
        // Channels of dy: of a pixel, and of a group. Channels of x that a group reads.
        public int OutChannels, Channels, ChannelGroups, GroupStep;
        public int Taps, Splits, TapsPerBlock;
        public float* Sums;
        public int SumStride;
        public long OutImageStride;
        public int OutRowStride;

        public readonly void Execute(int tile, int worker)
        {
            var split = tile % Splits;
            var firstTap = tile / Splits * TapsPerBlock;
            var endTap = Math.Min(Taps, firstTap + TapsPerBlock);
            var sums = Sums + (long)split * ChannelGroups * Taps * SumStride;
            var first = (int)((long)Grid.Groups * split / Splits);
            var end = (int)((long)Grid.Groups * (split + 1) / Splits);
            for (var index = first; index < end; index++)
            {
                var group = Grid[index];
                var window = Source.Load(group);
                var (from, count) = Phase.Range(Grid, group);
                var dy = Dy + group.FirstImage * OutImageStride + (long)group.FirstRow * OutRowStride;
                for (var slice = 0; slice < ChannelGroups; slice++)
                {
                    AddSlice(
                        firstTap, endTap, window + slice * GroupStep, dy + slice * Channels, from, count, sums + (long)slice * Taps * SumStride, index > first);
                }
            }
        }

        private readonly void AddSlice(int firstTap, int endTap, float* window, float* dy, int from, int count, float* sums, bool accumulate)
        {
            var inPlace = Taps <= FewTaps && Channels == SumStride;
            if (!inPlace)
            {
                // [panel][pixel][channel of the panel]: read many times, and channels may be a power of two, which in
                // place would crowd all pixels into few sets of the cache.
                var packed = CpuScratch.Get<float>(CpuScratch.Slot.ConvEdge, (long)count * SumStride);
                ConvChannels.Pack(Channels, new GemmOperand<float>(dy, OutChannels, along: true), count, 0, count, packed);
                dy = packed;
            }

            for (var channel = 0; channel < SumStride;)
            {
                var vectors = Set.NextPanel((SumStride - channel) / Set.Lanes);
                var columns = vectors * Set.Lanes;
                var panel = new IndirectPanel<float>
                {
                    Depth = count,
                    A = window,
                    Columns = Phase.Pixels + from,
                    B = inPlace ? dy + channel : dy + (nint)channel * count,
                    StrideB = inPlace ? OutChannels : columns,
                    C = sums + channel,
                };
                panel.Ahead = panel.B;
                AddPanel(firstTap, endTap, vectors, panel, accumulate);
                channel += columns;
            }
        }

        // C: [tap, channel]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly void AddPanel(int firstTap, int endTap, int vectors, IndirectPanel<float> panel, bool accumulate)
        {
            var mostRows = Set.IndirectRows(vectors);
            var sums = panel.C;
            var outs = stackalloc int[MostRows];
            var lastTaps = stackalloc int[MostRows];
            for (var r = 0; r < mostRows; r++)
                outs[r] = r * SumStride;
            for (var tap = firstTap; tap < endTap; tap += mostRows)
            {
                var taps = Phase.Taps + tap;
                var rows = Math.Min(mostRows, endTap - tap);
                var kernel = Set.Indirect(vectors, rows, out var tileRows);
                if (rows < tileRows)
                {
                    // The kernel computes the last tap several times.
                    for (var r = 0; r < tileRows; r++)
                    {
                        lastTaps[r] = taps[Math.Min(r, rows - 1)];
                        outs[r] = Math.Min(r, rows - 1) * SumStride;
                    }

                    taps = lastTaps;
                }

                panel.C = sums + (long)tap * SumStride;
                panel.Start = accumulate ? panel.C : null;
                kernel(&panel, taps, outs, outs);
            }
        }
    }

    // Adds up the splits, and turns [tap, channel] into [channel, tap].
    private readonly struct AddJob(int groups, int channels, int taps, int splits, float* sums, int sumStride, float* dw) : ITileJob
    {
        private const int TapsPerTile = 32;

        private readonly float* _sums = sums, _dw = dw;

        public int Tiles => groups * TilesPerGroup;

        private int TilesPerGroup => (taps + TapsPerTile - 1) / TapsPerTile;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var group = tile / TilesPerGroup;
            var first = tile % TilesPerGroup * TapsPerTile;
            var count = Math.Min(TapsPerTile, taps - first);
            var total = _sums + ((long)group * taps + first) * sumStride;
            for (var split = 1; split < splits; split++)
            {
                var part = total + (long)split * groups * taps * sumStride;
                GemmPacking.Unload(part, sumStride, count, sumStride, total, sumStride, accumulate: true);
            }

            GemmPacking.Transpose(total, sumStride, count, channels, _dw + (long)group * channels * taps + first, taps);
        }
    }
}
