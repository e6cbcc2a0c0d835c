namespace EscNative.Kernels.Cpu;

/// <summary>Panels of output channels, as wide as the kernels that compute them.</summary>
internal static unsafe class ConvChannels
{
    private static readonly GemmKernelSet<float> Set = GemmKernelSet.Of<float>();

    /// <summary>A number of channels, padded to whole vectors.</summary>
    public static int Padded(int channels) => (channels + Set.Lanes - 1) / Set.Lanes * Set.Lanes;

    /// <summary>How many panels a number of channels has.</summary>
    public static int Panels(int channels)
    {
        var panels = 0;
        for (var left = Padded(channels) / Set.Lanes; left > 0; left -= Set.NextPanel(left))
            panels++;
        return panels;
    }

    /// <summary>Packs weights [channel, tap] into panels [panel][tap][channel of the panel].</summary>
    /// <param name="channels">Output channels.</param>
    /// <param name="weights">The matrix.</param>
    /// <param name="taps">How many taps to pack.</param>
    /// <param name="firstTap">Row of the panels that they begin at.</param>
    /// <param name="depth">Rows of a panel.</param>
    /// <param name="packed">The panels.</param>
    public static void Pack(int channels, GemmOperand<float> weights, int taps, int firstTap, int depth, float* packed)
    {
        for (var channel = 0; channel < channels;)
        {
            var columns = Set.NextPanel((channels - channel + Set.Lanes - 1) / Set.Lanes) * Set.Lanes;
            var panel = packed + (nint)channel * depth + (nint)firstTap * columns;
            weights.Pack(channel, Math.Min(columns, channels - channel), 0, taps, columns, panel);
            channel += columns;
        }
    }
}
