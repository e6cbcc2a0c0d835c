namespace EscNative.Engine;

/// <summary>The sizes of a convolution or pooling: input, window, stride, padding, and the output that follows from them.</summary>
internal readonly record struct ConvGeometry(
    int Batch, int Height, int Width, int InChannels, int OutChannels,
    int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth, int PadHeight, int PadWidth)
{
    /// <summary>Whether the device may compute this by an algorithm that rounds more than a plain sum, where that is faster.</summary>
    public bool Fast { get; init; }

    public int OutHeight => ((Height + (2 * PadHeight) - KernelHeight) / StrideHeight) + 1;

    public int OutWidth => ((Width + (2 * PadWidth) - KernelWidth) / StrideWidth) + 1;

    /// <summary>Checks what every convolution and pooling needs.</summary>
    /// <param name="x">The input, [n, h, w, c].</param>
    public static ConvGeometry Of(
        string operation, Tensor x, int outChannels, (int Height, int Width) kernel, (int Height, int Width) stride, (int Height, int Width) pad)
    {
        if (x.Shape.Rank != 4)
            throw new ShapeException($"{operation}: got input {x.Shape}, wants [n, h, w, c]");
        if (kernel.Height < 1 || kernel.Width < 1 || stride.Height < 1 || stride.Width < 1 || pad.Height < 0 || pad.Width < 0)
            throw new ShapeException($"{operation}: got kernel {kernel}, stride {stride}, padding {pad}, wants kernel and stride of 1 or more, padding of 0 or more");
        // In 64 bits: a padding may be any number.
        var (h, w) = (x.Shape[1] + (2L * pad.Height), x.Shape[2] + (2L * pad.Width));
        if (h > int.MaxValue || w > int.MaxValue)
            throw new ShapeException($"{operation}: {x.Shape} padded by {pad} is larger than {int.MaxValue}");
        if (h < kernel.Height || w < kernel.Width)
            throw new ShapeException($"{operation}: a kernel of {kernel.Height}x{kernel.Width} does not fit into {x.Shape} padded to {h}x{w}");
        return new ConvGeometry(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], outChannels,
            kernel.Height, kernel.Width, stride.Height, stride.Width, pad.Height, pad.Width);
    }
}
