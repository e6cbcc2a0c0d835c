using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The forward pass: one phase, whose taps run over the kernel's window.</summary>
internal static unsafe class ConvForward
{
    // Below this much work a pass runs on one thread: it takes some 5 us, and a worker that watches joins within 0.3 us.
    internal const double ParallelFlops = 1 << 20;

    // What a byte of the weights costs where few pixels use it: a core reads 35 GB/s from L3 and computes 120 GFLOP/s (Zen 4).
    private const double FlopsPerWeightByte = 3.5;

    // Smaller weights come from the cache of a core.
    private const long SharedWeightBytes = 512 << 10;

    // As many pixels amortise a panel of weights that comes from L3.
    private const int PixelsPerGroup = 256;

    /// <summary>The window of the input that the forward pass and the weight gradient read.</summary>
    /// <remarks>Images with a halo are larger images with less padding.</remarks>
    public static ConvSource Source(in WindowShape s, in ImageView x) => new()
    {
        Data = x.At(0, -x.Halo, -x.Halo),
        Height = s.Height + 2 * x.Halo,
        Width = s.Width + 2 * x.Halo,
        Channels = s.InChannels,
        PadTop = s.PadTop - x.Halo,
        PadLeft = s.PadLeft - x.Halo,
        WindowHeight = (s.OutHeight - 1) * s.StrideHeight + s.SpanHeight,
        WindowWidth = (s.OutWidth - 1) * s.StrideWidth + s.SpanWidth,
        Step = s.StrideHeight,
        Reach = s.SpanHeight,
    };

    /// <summary>Offset in the window of each tap, in the order of OHWI weights; those of the first group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FillTaps(in WindowShape s, in ConvSource source, int* taps)
    {
        for (var ky = 0; ky < s.KernelHeight; ky++)
        {
            var row = ky * s.DilationHeight * source.RowStride;
            if (s.IsPlain)
            {
                for (var i = 0; i < s.KernelWidth * s.InChannels; i++)
                    *taps++ = row + i;
                continue;
            }

            for (var kx = 0; kx < s.KernelWidth; kx++)
            {
                for (var i = 0; i < s.GroupInChannels; i++)
                    *taps++ = row + (kx * s.DilationWidth * s.InChannels) + i;
            }
        }
    }

    /// <summary>Runs a pass with packed weights. See <see cref="Conv"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in WindowShape s, in ImageView x, float* packed, in ConvEpilogue epilogue, in ImageView y)
    {
        if (s.OutPixels == 0 || s.OutChannels == 0)
            return;
        var source = Source(s, x);
        var output = new ConvOutput(y);
        var residual = new ConvOutput(epilogue.Residual);
        var work = s.Flops + FlopsPerWeightByte * s.Taps * s.OutChannels * sizeof(float);
        var parallel = work >= ParallelFlops;
        var tasks = parallel ? ConvGrid.TasksFor(work) : 1;
        // A window of one pixel is read channel by channel, so that pieces of the depth are pieces of the window.
        var passes = s.KernelHeight * s.KernelWidth == 1 ? ConvJob.Pieces(s.Taps) : 1;
        // Threads that share large weights by their panels read them once; groups would each read all of them.
        var panels = s.Groups * ConvChannels.Panels(s.GroupOutChannels);
        var groups = source.InPlace && (long)s.Taps * s.OutChannels * sizeof(float) > SharedWeightBytes ? (tasks + panels - 1) / panels : tasks;
        var grid = ConvGrid.Create(s.Batch, s.OutHeight, s.OutWidth, source, PixelsPerGroup, groups, passes);
        var phase = new ConvPhase { Depth = s.Taps, Weights = packed, RowCount = s.OutHeight, PixelsPerRow = s.OutWidth };

        var pixels = phase.TableSize(grid);
        // A panel reads whole vectors, also of the last group.
        var channels = s.OutChannels - s.GroupOutChannels + ConvChannels.Padded(s.GroupOutChannels);
        var tables = CpuScratch.Get<int>(CpuScratch.Slot.ConvTable, 3 * pixels + s.Taps + channels);
        phase.Taps = tables + channels;
        phase.Pixels = phase.Taps + s.Taps;
        phase.Outs = phase.Pixels + pixels;
        FillTaps(s, source, phase.Taps);
        phase.FillPixels(grid, source, 0, s.StrideWidth);
        phase.FillPlaces(grid, output, 0, phase.Outs);
        if (!epilogue.Residual.IsNone)
        {
            phase.Starts = phase.Outs + pixels;
            phase.FillPlaces(grid, residual, 0, phase.Starts);
        }

        float* bias = null;
        if (epilogue.Bias != 0)
        {
            // Padded to whole vectors.
            bias = (float*)tables;
            new Span<float>((float*)epilogue.Bias, s.OutChannels).CopyTo(new Span<float>(bias, channels));
            new Span<float>(bias + s.OutChannels, channels - s.OutChannels).Clear();
        }

        var job = new ConvJob
        {
            Grid = grid,
            Source = source,
            Output = output,
            Bias = bias,
            Residual = residual,
            Relu = epilogue.Relu,
            Function = epilogue.Function,
            Phases = &phase,
            PhaseCount = 1,
            Channels = s.GroupOutChannels,
            ChannelGroups = s.Groups,
            GroupStep = s.GroupInChannels,
            ChannelSplits = Math.Clamp((tasks + grid.Groups - 1) / grid.Groups, 1, panels),
        };
        GemmDriver<float>.Run(parallel, job.Tiles, job);
    }
}
