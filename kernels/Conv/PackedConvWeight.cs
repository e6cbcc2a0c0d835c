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
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="weight">[outChannels, kernelHeight, kernelWidth, inChannels]; not kept.</param>
    public PackedConvWeight(int outChannels, int kernelHeight, int kernelWidth, int inChannels, float* weight)
    {
        (OutChannels, KernelHeight, KernelWidth, InChannels) = (outChannels, kernelHeight, kernelWidth, inChannels);
        var taps = kernelHeight * kernelWidth * inChannels;
        _data = (float*)NativeMemory.AlignedAlloc((nuint)(Count(outChannels, taps) * sizeof(float)), 64);
        Pack(outChannels, taps, weight, _data);
    }

    /// <summary>Channels of the output.</summary>
    public int OutChannels { get; }

    /// <summary>Rows of the kernel.</summary>
    public int KernelHeight { get; }

    /// <summary>Columns of the kernel.</summary>
    public int KernelWidth { get; }

    /// <summary>Channels of the input.</summary>
    public int InChannels { get; }

    internal float* Data
    {
        get
        {
            HoldInCall();
            return _data;
        }
    }

    /// <summary>Values of the packed form: the output channels are padded to whole vectors.</summary>
    internal static long Count(int outChannels, int taps) => (long)ConvChannels.Padded(outChannels) * taps;

    // weight: [outChannels, taps]
    internal static void Pack(int outChannels, int taps, float* weight, float* packed) =>
        ConvChannels.Pack(outChannels, new GemmOperand<float>(weight, taps, along: false), taps, 0, taps, packed);

    /// <inheritdoc/>
    protected override void Free(bool late) => NativeMemory.AlignedFree(_data);
}
