namespace EscNative.Kernels.Cpu;

/// <summary>The sizes of a two-dimensional convolution. Activations are NHWC, weights OHWI.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of an input image.</param>
/// <param name="Width">Columns of an input image.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output.</param>
/// <param name="KernelHeight">Rows of the kernel, at least 1.</param>
/// <param name="KernelWidth">Columns of the kernel, at least 1.</param>
/// <param name="StrideH">Rows from one output pixel to the next, at least 1.</param>
/// <param name="StrideW">Columns from one output pixel to the next, at least 1.</param>
/// <param name="PadTop">Rows of zeros above.</param>
/// <param name="PadLeft">Columns of zeros to the left.</param>
/// <param name="PadBottom">Rows of zeros below.</param>
/// <param name="PadRight">Columns of zeros to the right.</param>
public readonly record struct ConvShape(
    int Batch,
    int Height,
    int Width,
    int InChannels,
    int OutChannels,
    int KernelHeight,
    int KernelWidth,
    int StrideH,
    int StrideW,
    int PadTop,
    int PadLeft,
    int PadBottom,
    int PadRight)
{
    /// <summary>Rows of an output image.</summary>
    public int OutHeight => OutSize(Height + PadTop + PadBottom, KernelHeight, StrideH);

    /// <summary>Columns of an output image.</summary>
    public int OutWidth => OutSize(Width + PadLeft + PadRight, KernelWidth, StrideW);

    /// <summary>Multiplications and additions of one pass, those with padding zeros included.</summary>
    public double Flops => 2.0 * OutPixels * OutChannels * Taps;

    /// <summary>Values that meet in one output value: kernel rows x columns x input channels.</summary>
    internal int Taps => KernelHeight * KernelWidth * InChannels;

    /// <summary>Output pixels of the batch.</summary>
    internal long OutPixels => (long)Batch * OutHeight * OutWidth;

    private static int OutSize(int padded, int kernel, int stride) => padded < kernel ? 0 : (padded - kernel) / stride + 1;
}
