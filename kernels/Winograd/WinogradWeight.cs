using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Weights of a 3x3 convolution, transformed for <see cref="Winograd"/>. Kept by who calls often.</summary>
/// <remarks>
/// The transform U = G g G' is computed in float64 and rounded once. Valid on this processor alone: the order in memory depends
/// on its vectors. Thread-safe between updates.
/// </remarks>
public sealed unsafe class WinogradWeight : NativeOwner
{
    private readonly bool _forDataGradient;
    private readonly float* _data;

    /// <summary>Transforms weights.</summary>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="weight">[outChannels, 3, 3, inChannels]; not kept.</param>
    /// <param name="tile">How many outputs a tile computes.</param>
    public WinogradWeight(int outChannels, int inChannels, float* weight, WinogradTile tile)
        : this(outChannels, inChannels, weight, tile, forDataGradient: false)
    {
    }

    private WinogradWeight(int outChannels, int inChannels, float* weight, WinogradTile tile, bool forDataGradient)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(outChannels);
        ArgumentOutOfRangeException.ThrowIfNegative(inChannels);
        (OutChannels, InChannels, Tile, _forDataGradient) = (outChannels, inChannels, tile, forDataGradient);
        _data = (float*)NativeMemory.AlignedAlloc((nuint)(Math.Max(1, Bytes)), 64);
        // The lines between points are never written.
        NativeMemory.Clear(_data, (nuint)Bytes);
        Update(weight);
    }

    /// <summary>Channels of the output of the convolution that these weights are for.</summary>
    public int OutChannels { get; }

    /// <summary>Channels of its input.</summary>
    public int InChannels { get; }

    /// <summary>How many outputs a tile computes.</summary>
    public WinogradTile Tile { get; }

    /// <summary>Size of the transformed weights in memory.</summary>
    public long Bytes => sizeof(float) * WinogradKernels.WeightPanel(
        WinogradKernels.PanelCount(OutChannels), WinogradKernels.Padded(OutChannels), InChannels, Tile == WinogradTile.F2x2 ? 16 : 36);

    // Panels of output channels, each [point][inChannels][channels of the panel].
    internal float* Data
    {
        get
        {
            HoldInCall();
            return _data;
        }
    }

    /// <summary>Transforms weights for the gradient of the input: it is the convolution of the output's gradient with flipped
    /// weights whose channels change sides.</summary>
    /// <param name="outChannels">Channels of the output of the forward pass; the gradient's convolution reads them.</param>
    /// <param name="inChannels">Channels of its input; the gradient's convolution writes them.</param>
    /// <param name="weight">[outChannels, 3, 3, inChannels], as in the forward pass; not kept.</param>
    /// <param name="tile">How many outputs a tile computes.</param>
    /// <remarks>The gradient's convolution pads by 2 minus the padding of the forward pass, whose strides are 1.</remarks>
    /// <exception cref="ArgumentException">A tile for strides other than 1.</exception>
    public static WinogradWeight ForDataGradient(int outChannels, int inChannels, float* weight, WinogradTile tile)
    {
        if (tile == WinogradTile.F4x4Stride2)
            throw new ArgumentException($"winograd weights for the data gradient: got {tile}, wants a tile for strides of 1", nameof(tile));
        return new(inChannels, outChannels, weight, tile, forDataGradient: true);
    }

    /// <summary>Transforms other weights of the same sizes, in the same memory. Nobody may use them meanwhile.</summary>
    /// <param name="weight">[outChannels, 3, 3, inChannels] of the forward pass; not kept.</param>
    public void Update(float* weight)
    {
        using var call = KernelCall.Begin();
        var panels = WinogradKernels.PanelCount(OutChannels);
        var chunks = (InChannels + WinogradWeightJob.ChunkDepth - 1) / WinogradWeightJob.ChunkDepth;
        var job = new WinogradWeightJob
        {
            Weight = weight,
            Transformed = Data,
            OutChannels = OutChannels,
            InChannels = InChannels,
            Chunks = chunks,
            Tile = Tile,
            ForDataGradient = _forDataGradient,
        };
        SimdRunner.Run<double, WinogradWeightJob>(panels * chunks, job);
    }

    /// <inheritdoc/>
    protected override void Free(bool late) => NativeMemory.AlignedFree(_data);
}
