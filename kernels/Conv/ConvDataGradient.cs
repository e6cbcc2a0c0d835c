namespace EscNative.Kernels.Cpu;

/// <summary>The gradient of a convolution's input.</summary>
/// <remarks>
/// dx[i] = sum over k with (i + pad - d k) divisible by the stride s of dy[(i + pad - d k) / s] w[k], in rows and in columns, where d is
/// the dilation. With i + pad = s u + r and d k = s m + r (0 &lt;= r &lt; s) this is dx[s u + r - pad] = sum over k of dy[u - m] w[k]:
/// for each remainder r of rows and of columns, a convolution of dy of stride 1 with the taps whose d k leaves it, flipped. These are the
/// phases; all read the same window of dy, and no zeros are inserted. Each group of channels has weights of its own.
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

        var rows = new Axis(s.Height, s.KernelHeight, s.StrideHeight, s.DilationHeight, s.PadTop);
        var columns = new Axis(s.Width, s.KernelWidth, s.StrideWidth, s.DilationWidth, s.PadLeft);
        var source = new ConvSource
        {
            Data = dy,
            Height = s.OutHeight,
            Width = s.OutWidth,
            Channels = s.OutChannels,
            PadTop = rows.Pad,
            PadLeft = columns.Pad,
            WindowHeight = rows.Count + rows.MostShift,
            WindowWidth = columns.Count + columns.MostShift,
            Step = 1,
            Reach = rows.MostShift + 1,
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
                Depth = rows.TapsOf(r) * columns.TapsOf(c) * s.GroupOutChannels,
                FirstRow = rows.FirstOf(r) - rows.First,
                RowCount = rows.CountOf(r),
                PixelsPerRow = columns.CountOf(c),
            };
            tableSize += 2 * phases[i].TableSize(grid) + phases[i].Depth;
            weightCount += s.Groups * PackedConvWeight.Count(s.GroupInChannels, phases[i].Depth);
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
            packed += s.Groups * PackedConvWeight.Count(s.GroupInChannels, phase.Depth);

            FillTapsAndPack(s, rows, columns, r, c, source, phase, weight);
            var outFirst = (rows.Place(rows.First, r) * s.Width + columns.Place(columns.FirstOf(c), c)) * s.InChannels;
            phase.FillPixels(grid, source, columns.FirstOf(c) - columns.First, 1);
            phase.FillPlaces(grid, output, outFirst, phase.Outs);
        }

        var job = new ConvJob
        {
            Grid = grid,
            Source = source,
            Output = output,
            Phases = phases,
            PhaseCount = phaseCount,
            ChannelSplits = 1,
            Channels = s.GroupInChannels,
            ChannelGroups = s.Groups,
            GroupStep = s.GroupOutChannels,
        };
        GemmDriver<float>.Run(parallel, job.Tiles, job);
    }

    private static void FillTapsAndPack(
        in WindowShape s, Axis rows, Axis columns, int r, int c, in ConvSource source, in ConvPhase phase, float* weight)
    {
        var (channels, groupWeights) = (s.GroupOutChannels, (long)s.GroupOutChannels * s.Taps);
        var groupPacked = PackedConvWeight.Count(s.GroupInChannels, phase.Depth);
        var tap = 0;
        for (var ky = 0; ky < s.KernelHeight; ky++)
        {
            if (!rows.Meets(ky, r))
                continue;
            for (var kx = 0; kx < s.KernelWidth; kx++)
            {
                if (!columns.Meets(kx, c))
                    continue;
                // Row u of the window is row u - MostShift of dy, counted from the first u.
                var offset = (rows.MostShift - rows.Shift(ky)) * source.RowStride + (columns.MostShift - columns.Shift(kx)) * source.Channels;
                for (var channel = 0; channel < channels; channel++)
                    phase.Taps[tap + channel] = offset + channel;

                // [outChannels, inChannels] of this tap, with a whole kernel from one output channel to the next
                var taken = weight + (ky * s.KernelWidth + kx) * s.GroupInChannels;
                for (var group = 0; group < s.Groups; group++)
                {
                    var matrix = new GemmOperand<float>(taken + group * groupWeights, s.Taps, along: true);
                    ConvChannels.Pack(s.GroupInChannels, matrix, channels, tap, phase.Depth, phase.Weights + group * groupPacked);
                }

                tap += channels;
            }
        }
    }

    // Rows or columns: i + pad = stride u + r. First and Count are over all remainders.
    private readonly struct Axis
    {
        private readonly int _size, _kernel, _stride, _dilation, _pad;

        public Axis(int size, int kernel, int stride, int dilation, int pad)
        {
            (_size, _kernel, _stride, _dilation, _pad) = (size, kernel, stride, dilation, pad);
            First = pad / stride;
            Count = (size - 1 + pad) / stride - First + 1;
        }

        public int First { get; }

        public int Count { get; }

        /// <summary>How many rows of dy lie at most between those that a pixel meets.</summary>
        public int MostShift => Shift(_kernel - 1);

        /// <summary>Rows of the window before the first row of dy.</summary>
        public int Pad => MostShift - First;

        public int TapsOf(int r)
        {
            var taps = 0;
            for (var k = 0; k < _kernel; k++)
                taps += Meets(k, r) ? 1 : 0;
            return taps;
        }

        /// <summary>Whether a tap belongs to the pixels of a remainder.</summary>
        public bool Meets(int k, int r) => k * _dilation % _stride == r;

        /// <summary>How many rows of dy before the pixel's own a tap meets.</summary>
        public int Shift(int k) => k * _dilation / _stride;

        public int FirstOf(int r) => (_pad - r + _stride - 1) / _stride;

        public int CountOf(int r) => Math.Max(0, FloorDivide(_size - 1 + _pad - r, _stride) - FirstOf(r) + 1);

        public int Place(int u, int r) => _stride * u + r - _pad;

        private static int FloorDivide(int x, int y) => x >= 0 ? x / y : -1;
    }
}
