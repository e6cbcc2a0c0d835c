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
        Pack(new(0, 0, 0, inChannels * groups, outChannels, kernelHeight, kernelWidth, 1, 1, 0, 0, 0, 0, Groups: groups), weight, kernelWidth, taps, _data);
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

    /// <summary>Packs a window of each kernel.</summary>
    /// <param name="s">The channels and groups, and the size of what is packed.</param>
    /// <param name="weight">The first value that is packed, of the first channel.</param>
    /// <param name="kernelWidth">Columns of a whole kernel.</param>
    /// <param name="stride">Values of a channel's whole kernel.</param>
    /// <param name="packed">s.Groups * Count(s.GroupOutChannels, s.Taps) values.</param>
    internal static void Pack(in WindowShape s, float* weight, int kernelWidth, int stride, float* packed)
    {
        var channels = s.GroupOutChannels;
        // Rows that are packed whole are one.
        var (rows, taps) = s.KernelWidth == kernelWidth ? (1, s.Taps) : (s.KernelHeight, s.KernelWidth * s.GroupInChannels);
        for (var group = 0; group < s.Groups; group++)
        {
            for (var row = 0; row < rows; row++)
            {
                var first = weight + (long)group * channels * stride + (long)row * kernelWidth * s.GroupInChannels;
                ConvChannels.Pack(channels, new GemmOperand<float>(first, stride, along: false), taps, row * taps, s.Taps, packed + group * Count(channels, s.Taps));
            }
        }
    }

    /// <inheritdoc/>
    protected override void Free(bool late) => NativeMemory.AlignedFree(_data);
}
