using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Convolves one group of images or rows in each tile.</summary>
internal unsafe struct ConvJob : ITileJob
{
    // A panel of weights, this deep, stays in L2 beside the window of the group.
    private const int LargestDepth = 1152;

    private const int MostRows = 8;
    private const int MostColumns = 64;

    private static readonly GemmKernelSet<float> Set = GemmKernelSet.Of<float>();

    public ConvGrid Grid;
    public ConvSource Source;
    public ConvOutput Output;
    public ConvPhase* Phases;
    public int PhaseCount;

    public readonly void Execute(int tile, int worker)
    {
        var group = Grid[tile];
        var window = Source.Load(group);
        var output = Output.Data + group.FirstImage * Output.ImageStride + (long)group.FirstRow * Output.RowStep;
        for (var i = 0; i < PhaseCount; i++)
            Compute(Phases[i], group, window, output);
    }

    private readonly void Compute(in ConvPhase phase, ConvGrid.Group group, float* window, float* output)
    {
        var (first, count) = phase.Range(Grid, group);
        if (count == 0)
            return;
        var chunks = Math.Max(1, (phase.Depth + LargestDepth - 1) / LargestDepth);
        var depth = (phase.Depth + chunks - 1) / chunks;
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            var from = chunk * depth;
            var to = Math.Min(phase.Depth, from + depth);
            for (var channel = 0; channel < Output.Channels;)
            {
                var vectors = Set.NextPanel((Output.Channels - channel + Set.Lanes - 1) / Set.Lanes);
                ComputePanel(phase, first, count, from, to, channel, vectors, window, output);
                channel += vectors * Set.Lanes;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void ComputePanel(
        in ConvPhase phase, int first, int count, int from, int to, int channel, int vectors, float* window, float* output)
    {
        var kernel = Set.Indirect(vectors);
        var tileRows = Set.IndirectRows(vectors);
        var columns = vectors * Set.Lanes;
        var taps = phase.Taps + from;
        var weights = phase.Weights + (nint)channel * phase.Depth + (nint)from * columns;
        var bias = Output.Bias == null ? null : Output.Bias + channel;
        var accumulate = from > 0;
        var whole = channel + columns <= Output.Channels;

        var lastPixels = stackalloc int[MostRows];
        var lastOuts = stackalloc int[MostRows];
        var edgeOuts = stackalloc int[MostRows];
        var edge = stackalloc float[MostRows * MostColumns];
        for (var r = 0; r < tileRows; r++)
            edgeOuts[r] = r * columns;
        output += channel;
        for (var i = 0; i < count; i += tileRows)
        {
            var pixels = phase.Pixels + first + i;
            var outs = phase.Outs + first + i;
            var rows = Math.Min(tileRows, count - i);
            if (rows < tileRows)
            {
                // The kernel computes the last pixel several times.
                for (var r = 0; r < tileRows; r++)
                {
                    lastPixels[r] = pixels[Math.Min(r, rows - 1)];
                    lastOuts[r] = outs[Math.Min(r, rows - 1)];
                }

                pixels = lastPixels;
                outs = lastOuts;
            }

            if (whole)
            {
                kernel(to - from, window, pixels, taps, weights, columns, output, outs, bias, accumulate);
                continue;
            }

            kernel(to - from, window, pixels, taps, weights, columns, edge, edgeOuts, accumulate ? null : bias, false);
            for (var r = 0; r < rows; r++)
                GemmPacking.Unload(edge + r * columns, columns, 1, Output.Channels - channel, output + outs[r], 0, accumulate);
        }
    }
}
