namespace EscNative.Kernels.Cpu;

/// <summary>The images that a convolution writes.</summary>
internal unsafe struct ConvOutput
{
    public float* Data;

    /// <summary>Channels of a pixel.</summary>
    public int Channels;

    /// <summary>Values from one pixel of a phase to the next, and from one row of a phase to the next.</summary>
    public int PixelStep, RowStep;

    /// <summary>Values from one image to the next.</summary>
    public long ImageStride;

    /// <summary>Start values of the channels, padded to whole vectors; null for zeros.</summary>
    public float* Bias;
}
