namespace EscNative.Kernels.Cpu;

/// <summary>The forward pass: one phase, whose taps run over the kernel's window.</summary>
internal static unsafe class ConvForward
{
    // Below this many multiplications a pass runs on one thread: it takes some 10 us.
    internal const double ParallelFlops = 2 << 20;

    // As many pixels amortise a panel of weights that comes from L3.
    private const int PixelsPerGroup = 256;

    /// <summary>The window of the input that the forward pass and the weight gradient read.</summary>
    public static ConvSource Source(in ConvShape s, float* x) => new()
    {
        Data = x,
        Height = s.Height,
        Width = s.Width,
        Channels = s.InChannels,
        PadTop = s.PadTop,
        PadLeft = s.PadLeft,
        WindowHeight = (s.OutHeight - 1) * s.StrideH + s.KernelHeight,
        WindowWidth = (s.OutWidth - 1) * s.StrideW + s.KernelWidth,
        Step = s.StrideH,
        Reach = s.KernelHeight,
    };

    /// <summary>Offset in the window of each tap, in the order of OHWI weights.</summary>
    public static void FillTaps(in ConvShape s, in ConvSource source, int* taps)
    {
        for (var ky = 0; ky < s.KernelHeight; ky++)
        {
            for (var i = 0; i < s.KernelWidth * s.InChannels; i++)
                *taps++ = ky * source.RowStride + i;
        }
    }

    /// <summary>Runs a pass with packed weights. See <see cref="Conv"/>.</summary>
    public static void Run(in ConvShape s, float* x, float* packed, float* bias, float* y)
    {
        if (s.OutPixels == 0 || s.OutChannels == 0)
            return;
        var source = Source(s, x);
        var parallel = s.Flops >= ParallelFlops;
        var grid = ConvGrid.Create(s.Batch, s.OutHeight, s.OutWidth, source, PixelsPerGroup, parallel ? CpuParallel.Threads : 1);
        var output = new ConvOutput
        {
            Data = y,
            Channels = s.OutChannels,
            PixelStep = s.OutChannels,
            RowStep = s.OutWidth * s.OutChannels,
            ImageStride = (long)s.OutHeight * s.OutWidth * s.OutChannels,
        };
        var phase = new ConvPhase { Depth = s.Taps, Weights = packed, RowCount = s.OutHeight, PixelsPerRow = s.OutWidth };

        var pixels = phase.TableSize(grid);
        var channels = ConvChannels.Padded(s.OutChannels);
        var tables = CpuScratch.Get<int>(CpuScratch.Slot.ConvTable, 2 * pixels + s.Taps + channels);
        if (bias != null)
        {
            output.Bias = (float*)tables;
            new Span<float>(bias, s.OutChannels).CopyTo(new Span<float>(output.Bias, channels));
            new Span<float>(output.Bias + s.OutChannels, channels - s.OutChannels).Clear();
        }

        phase.Taps = tables + channels;
        phase.Pixels = phase.Taps + s.Taps;
        phase.Outs = phase.Pixels + pixels;
        FillTaps(s, source, phase.Taps);
        phase.FillTables(grid, source, 0, s.StrideW, output, 0);

        var job = new ConvJob { Grid = grid, Source = source, Output = output, Phases = &phase, PhaseCount = 1 };
        GemmDriver<float>.Run(parallel, grid.Groups, job);
    }
}
