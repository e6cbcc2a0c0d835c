namespace EscNative.Kernels.Cpu;

/// <summary>The grouped micro-kernels (see Generated) for the widest vectors of this processor, and their panels of columns.</summary>
internal static unsafe class WinogradKernels
{
    /// <summary>Floats of a cache line. Points lie a line further apart than their values need, so that all points of
    /// a tile find a place in the sets of a cache.</summary>
    public const int LineFloats = 16;

    private const int MostVectors = 3;

    // [log2(rows), vectors - 1]
    private static readonly nint[] Kernels = GemmKernelSet.VectorBits switch
    {
        512 =>
        [
            At(&GroupedKernels512F32.K1x16), At(&GroupedKernels512F32.K1x32), At(&GroupedKernels512F32.K1x48),
            At(&GroupedKernels512F32.K2x16), At(&GroupedKernels512F32.K2x32), At(&GroupedKernels512F32.K2x48),
            At(&GroupedKernels512F32.K4x16), At(&GroupedKernels512F32.K4x32), At(&GroupedKernels512F32.K4x48),
            At(&GroupedKernels512F32.K8x16), At(&GroupedKernels512F32.K8x32), At(&GroupedKernels512F32.K8x48),
        ],
        256 =>
        [
            At(&GroupedKernels256F32.K1x8), At(&GroupedKernels256F32.K1x16), At(&GroupedKernels256F32.K1x24),
            At(&GroupedKernels256F32.K2x8), At(&GroupedKernels256F32.K2x16), At(&GroupedKernels256F32.K2x24),
            At(&GroupedKernels256F32.K4x8), At(&GroupedKernels256F32.K4x16), At(&GroupedKernels256F32.K4x24),
        ],
        _ =>
        [
            At(&GroupedKernels128F32.K1x4), At(&GroupedKernels128F32.K1x8), At(&GroupedKernels128F32.K1x12),
            At(&GroupedKernels128F32.K2x4), At(&GroupedKernels128F32.K2x8), At(&GroupedKernels128F32.K2x12),
            At(&GroupedKernels128F32.K4x4), At(&GroupedKernels128F32.K4x8), At(&GroupedKernels128F32.K4x12),
        ],
    };

    /// <summary>Values in a vector.</summary>
    public static int Lanes { get; } = GemmKernelSet.VectorBits / 32;

    /// <summary>The most rows of a kernel, a power of two.</summary>
    public static int MostRows { get; } = GemmKernelSet.VectorBits == 512 ? 8 : 4;

    /// <summary>Columns of the widest kernel.</summary>
    public static int MostColumns => MostVectors * Lanes;

    /// <summary>A kernel: (k, a, b, c, next).</summary>
    /// <param name="rows">A power of two up to <see cref="MostRows"/>.</param>
    /// <param name="columns">1 to 3 vectors.</param>
    public static delegate*<nint, float*, float*, float*, float*, void> Kernel(int rows, int columns) =>
        (delegate*<nint, float*, float*, float*, float*, void>)Kernels[int.Log2(rows) * MostVectors + columns / Lanes - 1];

    /// <summary>A number of channels, padded to whole vectors.</summary>
    public static int Padded(int channels) => (channels + Lanes - 1) / Lanes * Lanes;

    /// <summary>Columns of the panel that begins at a channel. Three vectors are best, a rest of one is worst.</summary>
    public static int PanelColumns(int channel, int channels)
    {
        var vectors = (channels - channel + Lanes - 1) / Lanes;
        return Lanes * (vectors == 4 ? 2 : Math.Min(vectors, MostVectors));
    }

    /// <summary>How many panels there are.</summary>
    public static int PanelCount(int channels)
    {
        var vectors = (channels + Lanes - 1) / Lanes;
        // A rest of 4 vectors makes two panels, as the division says.
        return (vectors + MostVectors - 1) / MostVectors;
    }

    /// <summary>The first channel of a panel.</summary>
    public static int PanelStart(int panel, int channels)
    {
        var channel = 0;
        for (; panel > 0; panel--)
            channel += PanelColumns(channel, channels);
        return channel;
    }

    /// <summary>Weights from one point of a panel to the next.</summary>
    public static nint WeightPoint(int depth, int columns) => (nint)depth * columns + LineFloats;

    /// <summary>Where the weights of a panel begin.</summary>
    public static nint WeightPanel(int panel, int channel, int depth, int points) =>
        points * ((nint)channel * depth + panel * LineFloats);

    private static nint At(delegate*<nint, float*, float*, float*, float*, void> kernel) => (nint)kernel;
}
