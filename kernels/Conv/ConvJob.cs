using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Convolves one group of images or rows in each tile, or some output channels of one.</summary>
internal unsafe struct ConvJob : ITileJob
{
    // A panel of weights, this deep, stays in L2 beside the window of the group.
    private const int LargestDepth = 1152;

    private const int MostRows = 8;
    private const int MostColumns = 64;
    private const int LineFloats = 16;

    // How far ahead of the values in hand others come into L2: memory takes 100 ns, in which a kernel of few rows reads 10 KB.
    private const int StreamFloats = 4 << 10;

    private static readonly GemmKernelSet<float> Set = GemmKernelSet.Of<float>();

    public ConvGrid Grid;
    public ConvSource Source;
    public ConvOutput Output;

    /// <summary>Start values of the channels, padded to whole vectors; null for zeros.</summary>
    public float* Bias;

    /// <summary>What is added to the output if the phases have <see cref="ConvPhase.Starts"/>.</summary>
    public ConvOutput Residual;

    public bool Relu;

    /// <summary>What comes last in its place, or null.</summary>
    public UnaryOp? Function;

    public ConvPhase* Phases;
    public int PhaseCount;

    /// <summary>Channels of the output that a group of channels writes; <see cref="Output"/> has those of all groups.</summary>
    public int Channels;

    /// <summary>Into how many groups the channels are cut, and how many of the input one reads.</summary>
    public int ChannelGroups, GroupStep;

    /// <summary>Among how many tiles the panels of channels of a group are divided.</summary>
    public int ChannelSplits;

    /// <summary>Into how many pieces the taps are cut.</summary>
    public static int Pieces(int depth) => Math.Max(1, (depth + LargestDepth - 1) / LargestDepth);

    public readonly int Tiles => Grid.Groups * ChannelSplits;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Execute(int tile, int worker)
    {
        var group = Grid[tile / ChannelSplits];
        var split = tile % ChannelSplits;
        var window = Source.Load(group);
        // Counted through all groups of channels.
        var panels = ConvChannels.Panels(Channels);
        var all = panels * ChannelGroups;
        var (firstPanel, endPanel) = ((int)((long)all * split / ChannelSplits), (int)((long)all * (split + 1) / ChannelSplits));
        for (var slice = firstPanel / Math.Max(panels, 1); slice * panels < endPanel; slice++)
        {
            var before = slice * panels;
            for (var i = 0; i < PhaseCount; i++)
                Compute(Phases[i], group, window, slice, Math.Max(firstPanel - before, 0), Math.Min(endPanel - before, panels));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Compute(in ConvPhase phase, ConvGrid.Group group, float* window, int slice, int firstPanel, int endPanel)
    {
        var (first, count) = phase.Range(Grid, group);
        if (count == 0)
            return;
        window += slice * GroupStep;
        var firstOut = slice * Channels;
        var weights = phase.Weights + slice * PackedConvWeight.Count(Channels, phase.Depth);
        var output = Output.At(group) + firstOut;
        var chunks = Pieces(phase.Depth);
        var depth = (phase.Depth + chunks - 1) / chunks;
        var firstChannel = 0;
        for (var index = 0; index < firstPanel; index++)
            firstChannel += Columns(firstChannel);
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            // The first taps start from the residual and the bias, those after them from what was summed before.
            var isFirst = chunk == 0;
            var start = !isFirst ? output : phase.Starts == null ? null : Residual.At(group) + firstOut;
            var starts = (isFirst ? phase.Starts : phase.Outs) + first;
            var from = chunk * depth;
            var channel = firstChannel;
            for (var index = firstPanel; index < endPanel; index++)
            {
                var columns = Columns(channel);
                var panel = new IndirectPanel<float>
                {
                    Depth = Math.Min(depth, phase.Depth - from),
                    A = window,
                    Columns = phase.Taps + from,
                    B = weights + (nint)channel * phase.Depth + (nint)from * columns,
                    StrideB = columns,
                    C = output + channel,
                    Start = start == null ? null : start + channel,
                    Bias = isFirst && Bias != null ? Bias + firstOut + channel : null,
                    Relu = Relu && chunk == chunks - 1,
                };
                // What is multiplied next comes meanwhile: few pixels would not hide that it lies in memory.
                panel.Ahead = index + 1 < endPanel ? panel.B + (nint)phase.Depth * columns
                    : chunk + 1 < chunks ? weights + (nint)firstChannel * phase.Depth + (nint)(from + depth) * Columns(firstChannel)
                    : NextTask(phase, weights, firstChannel, endPanel - firstPanel, endPanel);
                if (channel + columns <= Channels)
                    ComputePanel(panel, count, phase.Pixels + first, phase.Outs + first, starts);
                else
                    ComputeEdge(panel, count, phase.Pixels + first, phase.Outs + first, starts, Channels - channel);
                // While the panel's results are in the first cache.
                if (Function is { } function && chunk == chunks - 1)
                    EpilogueFunction.Apply(function, output + channel, phase.Outs + first, count, Math.Min(columns, Channels - channel));
                channel += columns;
            }
        }
    }

    // How wide the panel is that begins at a channel.
    private readonly int Columns(int channel) => Set.NextPanel((Channels - channel + Set.Lanes - 1) / Set.Lanes) * Set.Lanes;

    // The weights that this thread will most likely read next: the threads take the panels of one group of images in turn.
    private readonly float* NextTask(in ConvPhase phase, float* weights, int firstChannel, int panels, int endPanel)
    {
        var skipped = (CpuParallel.Threads - 1) * panels;
        return Grid.Groups == 1 && endPanel + skipped < ConvChannels.Panels(Channels)
            ? weights + (nint)(firstChannel + (panels + skipped) * Columns(firstChannel)) * phase.Depth
            : weights + (nint)firstChannel * phase.Depth;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ComputePanel(IndirectPanel<float> panel, int count, int* pixels, int* outs, int* starts)
    {
        var vectors = (int)panel.StrideB / Set.Lanes;
        var mostRows = Set.IndirectRows(vectors);
        var next = panel.Ahead;
        var end = next + panel.Depth * panel.StrideB;
        var last = stackalloc int[3 * MostRows];
        for (var i = 0; i < count; i += mostRows, next += panel.Depth * LineFloats)
        {
            var rows = Math.Min(mostRows, count - i);
            var kernel = Set.Indirect(vectors, rows, out var tileRows);
            // One tile of few rows is over too soon for the next panel to come.
            panel.Ahead = count < mostRows ? panel.B + StreamFloats : next < end ? next : panel.B;
            if (rows == tileRows)
            {
                kernel(&panel, pixels + i, outs + i, starts + i);
                continue;
            }

            Repeat(pixels + i, rows, tileRows, last);
            Repeat(outs + i, rows, tileRows, last + MostRows);
            if (panel.Start != null)
                Repeat(starts + i, rows, tileRows, last + 2 * MostRows);
            kernel(&panel, last, last + MostRows, last + 2 * MostRows);
        }
    }

    // A panel that is wider than the channels that are left goes through a buffer.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ComputeEdge(IndirectPanel<float> panel, int count, int* pixels, int* outs, int* starts, int channels)
    {
        var columns = (int)panel.StrideB;
        var mostRows = Set.IndirectRows(columns / Set.Lanes);
        panel.Ahead = panel.B;
        var edge = stackalloc float[MostRows * MostColumns];
        var edgeOuts = stackalloc int[MostRows];
        for (var r = 0; r < mostRows; r++)
            edgeOuts[r] = r * columns;
        var output = panel.C;
        var start = panel.Start;
        panel.C = edge;
        if (start != null)
        {
            panel.Start = edge;
            new Span<float>(edge, MostRows * MostColumns).Clear();
        }

        var last = stackalloc int[MostRows];
        for (var i = 0; i < count; i += mostRows)
        {
            var rows = Math.Min(mostRows, count - i);
            var kernel = Set.Indirect(columns / Set.Lanes, rows, out var tileRows);
            for (var r = 0; r < rows && start != null; r++)
                GemmPacking.Unload(start + starts[i + r], 0, 1, channels, edge + r * columns, 0, accumulate: false);
            Repeat(pixels + i, rows, tileRows, last);
            kernel(&panel, last, edgeOuts, edgeOuts);
            for (var r = 0; r < rows; r++)
                GemmPacking.Unload(edge + r * columns, 0, 1, channels, output + outs[i + r], 0, accumulate: false);
        }
    }

    // A tile that lacks rows computes its last one several times.
    private static void Repeat(int* offsets, int count, int rows, int* tile)
    {
        for (var r = 0; r < rows; r++)
            tile[r] = offsets[Math.Min(r, count - 1)];
    }
}
