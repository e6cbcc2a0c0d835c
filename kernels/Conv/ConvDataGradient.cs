namespace EscNative.Kernels.Cpu;

/// <summary>The gradient of a convolution's input.</summary>
/// <remarks>
/// dx[i] = sum over k with (i + pad - k) divisible by the stride s of dy[(i + pad - k) / s] w[k], in rows and in columns.
/// With i + pad = s u + r and k = s m + r (0 &lt;= r &lt; s) this is dx[s u + r - pad] = sum over m of dy[u - m] w[s m + r]:
/// for each remainder r of rows and of columns, a convolution of dy of stride 1 with every s-th tap, flipped. These are the
/// phases; all read the same window of dy, and no zeros are inserted.
/// </remarks>
internal static unsafe class ConvDataGradient
{
    private const int PixelsPerGroup = 256;

    /// <summary>Computes dx. See <see cref="Conv"/>.</summary>
    public static void Run(in WindowShape s, float* dy, float* weight, float* dx)
    {
        if (s.Batch == 0 || s.Height == 0 || s.Width == 0 || s.InChannels == 0)
            return;
        if (s.OutPixels == 0 || s.OutChannels == 0)
        {
            var image = s.Height * s.Width * s.InChannels;
            for (var i = 0; i < s.Batch; i++)
                new Span<float>(dx + (long)i * image, image).Clear();
            return;
        }

        var rows = new Axis(s.Height, s.KernelHeight, s.StrideHeight, s.PadTop);
        var columns = new Axis(s.Width, s.KernelWidth, s.StrideWidth, s.PadLeft);
        var source = new ConvSource
        {
            Data = dy,
            Height = s.OutHeight,
            Width = s.OutWidth,
            Channels = s.OutChannels,
            PadTop = rows.Pad,
            PadLeft = columns.Pad,
            WindowHeight = rows.Count + rows.Taps - 1,
            WindowWidth = columns.Count + columns.Taps - 1,
            Step = 1,
            Reach = rows.Taps,
        };
        var output = new ConvOutput
        {
            Data = dx,
            Channels = s.InChannels,
            PixelStep = s.StrideWidth * s.InChannels,
            RowStep = s.StrideHeight * s.Width * s.InChannels,
            ImageStride = (long)s.Height * s.Width * s.InChannels,
        };
        var parallel = s.Flops >= ConvForward.ParallelFlops;
        var perRow = columns.Count * s.StrideHeight * s.StrideWidth;
        var grid = ConvGrid.Create(s.Batch, rows.Count, perRow, source, PixelsPerGroup, parallel ? ConvGrid.TasksFor(s.Flops) : 1);

        var phaseCount = s.StrideHeight * s.StrideWidth;
        var phases = CpuScratch.Get<ConvPhase>(CpuScratch.Slot.ConvPhase, phaseCount);
        var tableSize = 0L;
        var weightCount = 0L;
        for (var i = 0; i < phaseCount; i++)
        {
            var (r, c) = (i / s.StrideWidth, i % s.StrideWidth);
            phases[i] = new ConvPhase
            {
                Depth = rows.TapsOf(r) * columns.TapsOf(c) * s.OutChannels,
                FirstRow = rows.FirstOf(r) - rows.First,
                RowCount = rows.CountOf(r),
                PixelsPerRow = columns.CountOf(c),
            };
            tableSize += 2 * phases[i].TableSize(grid) + phases[i].Depth;
            weightCount += PackedConvWeight.Count(s.InChannels, phases[i].Depth);
        }

        var tables = CpuScratch.Get<int>(CpuScratch.Slot.ConvTable, tableSize);
        var packed = CpuScratch.Get<float>(CpuScratch.Slot.ConvWeight, weightCount);
        for (var i = 0; i < phaseCount; i++)
        {
            var (r, c) = (i / s.StrideWidth, i % s.StrideWidth);
            ref var phase = ref phases[i];
            phase.Taps = tables;
            phase.Pixels = tables + phase.Depth;
            phase.Outs = phase.Pixels + phase.TableSize(grid);
            phase.Weights = packed;
            tables = phase.Outs + phase.TableSize(grid);
            packed += PackedConvWeight.Count(s.InChannels, phase.Depth);

            FillTapsAndPack(s, rows, columns, r, c, source, phase, weight);
            var outFirst = (rows.Place(rows.First, r) * s.Width + columns.Place(columns.FirstOf(c), c)) * s.InChannels;
            phase.FillPixels(grid, source, columns.FirstOf(c) - columns.First, 1);
            phase.FillPlaces(grid, output, outFirst, phase.Outs);
        }

        var job = new ConvJob { Grid = grid, Source = source, Output = output, Phases = phases, PhaseCount = phaseCount, ChannelSplits = 1 };
        GemmDriver<float>.Run(parallel, job.Tiles, job);
    }

    private static void FillTapsAndPack(
        in WindowShape s, Axis rows, Axis columns, int r, int c, in ConvSource source, in ConvPhase phase, float* weight)
    {
        var tap = 0;
        for (var my = 0; my < rows.TapsOf(r); my++)
        {
            for (var mx = 0; mx < columns.TapsOf(c); mx++)
            {
                // Row u of the window is row u - (taps - 1) of dy, counted from the first u.
                var offset = (rows.Taps - 1 - my) * source.RowStride + (columns.Taps - 1 - mx) * source.Channels;
                for (var channel = 0; channel < s.OutChannels; channel++)
                    phase.Taps[tap + channel] = offset + channel;

                // [outChannels, inChannels] of this tap, with a whole kernel from one output channel to the next
                var taken = weight + (((my * s.StrideHeight) + r) * s.KernelWidth + mx * s.StrideWidth + c) * s.InChannels;
                var matrix = new GemmOperand<float>(taken, s.Taps, along: true);
                ConvChannels.Pack(s.InChannels, matrix, s.OutChannels, tap, phase.Depth, phase.Weights);
                tap += s.OutChannels;
            }
        }
    }

    // Rows or columns: i + pad = stride u + r. First and Count are over all remainders.
    private readonly struct Axis
    {
        private readonly int _size, _kernel, _stride, _pad;

        public Axis(int size, int kernel, int stride, int pad)
        {
            (_size, _kernel, _stride, _pad) = (size, kernel, stride, pad);
            First = pad / stride;
            Count = (size - 1 + pad) / stride - First + 1;
        }

        public int First { get; }

        public int Count { get; }

        /// <summary>The most taps of a remainder.</summary>
        public int Taps => TapsOf(0);

        /// <summary>Rows of the window before the first row of dy.</summary>
        public int Pad => Taps - 1 - First;

        public int TapsOf(int r) => (_kernel - r + _stride - 1) / _stride;

        public int FirstOf(int r) => (_pad - r + _stride - 1) / _stride;

        public int CountOf(int r) => Math.Max(0, FloorDivide(_size - 1 + _pad - r, _stride) - FirstOf(r) + 1);

        public int Place(int u, int r) => _stride * u + r - _pad;

        private static int FloorDivide(int x, int y) => x >= 0 ? x / y : -1;
    }
}
