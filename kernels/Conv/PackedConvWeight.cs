using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Weights of a convolution in the order in which the forward kernels read them. Kept by who calls often.</summary>
/// <remarks>Valid on this processor alone: the order depends on its vectors. Thread-safe once built.</remarks>
public sealed unsafe class PackedConvWeight : NativeOwner
{
    private readonly float* _data;

    /// <summary>Packs weights.</summary>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelHeight">Rows of the kernel.</param>
    /// <param name="kernelWidth">Columns of the kernel.</param>
    /// <param name="inChannels">Channels of the input that a group reads.</param>
    /// <param name="weight">[outChannels, kernelHeight, kernelWidth, inChannels]; not kept.</param>
    /// <param name="groups">Into how many slices the channels are cut.</param>
    public PackedConvWeight(int outChannels, int kernelHeight, int kernelWidth, int inChannels, float* weight, int groups = 1)
    {
        (OutChannels, KernelHeight, KernelWidth, InChannels, Groups) = (outChannels, kernelHeight, kernelWidth, inChannels, groups);
        var taps = kernelHeight * kernelWidth * inChannels;
        _data = (float*)NativeMemory.AlignedAlloc((nuint)(groups * Count(outChannels / groups, taps) * sizeof(float)), 64);
        Pack(groups, outChannels, taps, weight, _data);
    }

    /// <summary>Channels of the output.</summary>
    public int OutChannels { get; }

    /// <summary>Rows of the kernel.</summary>
    public int KernelHeight { get; }

    /// <summary>Columns of the kernel.</summary>
    public int KernelWidth { get; }

    /// <summary>Channels of the input that a group reads.</summary>
    public int InChannels { get; }

    /// <summary>Into how many slices the channels are cut.</summary>
    public int Groups { get; }

    internal float* Data
    {
        get
        {
            HoldInCall();
            return _data;
        }
    }

    /// <summary>Values of the packed form of a group: the output channels are padded to whole vectors.</summary>
    internal static long Count(int outChannels, int taps) => (long)ConvChannels.Padded(outChannels) * taps;

    // weight: [outChannels, taps]
    internal static void Pack(int groups, int outChannels, int taps, float* weight, float* packed)
    {
        var channels = outChannels / groups;
        for (var group = 0; group < groups; group++)
        {
            var matrix = new GemmOperand<float>(weight + (long)group * channels * taps, taps, along: false);
            ConvChannels.Pack(channels, matrix, taps, 0, taps, packed + group * Count(channels, taps));
        }
    }

    /// <inheritdoc/>
    protected override void Free(bool late) => NativeMemory.AlignedFree(_data);
}
