using EscNative.Kernels;

namespace EscNative.Engine;

/// <summary>How a convolution goes over an image, as PyTorch's Conv2d takes it.</summary>
public sealed record Conv2dOptions
{
    /// <summary>Rows and columns from one window to the next.</summary>
    public (int Height, int Width) Stride { get; init; } = (1, 1);

    /// <summary>Zeros around the image, on each side.</summary>
    public (int Top, int Left, int Bottom, int Right) Padding { get; init; }

    /// <summary>Rows and columns of the image from one value of a kernel to the next: 1 for neighbours.</summary>
    public (int Height, int Width) Dilation { get; init; } = (1, 1);

    /// <summary>Into how many slices the channels of input and output are cut, each a convolution by itself; weights are [out, kh, kw, in / groups].</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The same both ways, and on all sides.</summary>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="dilation">Pixels between the values of a kernel.</param>
    /// <param name="groups">Slices of the channels.</param>
    public static Conv2dOptions Of(int stride = 1, int padding = 0, int dilation = 1, int groups = 1) =>
        Of((stride, stride), (padding, padding), (dilation, dilation), groups);

    /// <summary>Rows and columns apart; the same padding above and below, left and right.</summary>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="dilation">Pixels between the values of a kernel.</param>
    /// <param name="groups">Slices of the channels.</param>
    public static Conv2dOptions Of(
        (int Height, int Width) stride, (int Height, int Width) padding, (int Height, int Width) dilation, int groups = 1) => new()
        {
            Stride = stride,
            Padding = (padding.Height, padding.Width, padding.Height, padding.Width),
            Dilation = dilation,
            Groups = groups,
        };

    /// <summary>Throws where a value makes no sense with whatever images.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.Require(Math.Min(Stride.Height, Stride.Width) >= 1, "convolution", "stride", Stride, "1 or more");
        UsageException.Require(
            Math.Min(Math.Min(Padding.Top, Padding.Left), Math.Min(Padding.Bottom, Padding.Right)) >= 0, "convolution", "padding", Padding, "0 or more");
        UsageException.Require(Math.Min(Dilation.Height, Dilation.Width) >= 1, "convolution", "dilation", Dilation, "1 or more (1 for a kernel without gaps)");
        UsageException.Require(Groups >= 1, "convolution", "groups", Groups, "1 or more");
    }

    // The sizes for images [.., h, w, c], checked; their number is left to the caller.
    internal WindowShape Of(string operation, Shape images, Shape weight)
    {
        if (weight.Rank != 4 || images.Rank < 3)
            throw new ShapeException($"{operation}: got input {images} and weight {weight}, wants [n, h, w, c] and [o, kh, kw, c / groups]");
        var (channels, outputs) = (images[^1], weight[0]);
        CheckGroups(operation, channels, outputs);
        if (weight[3] != channels / Groups)
        {
            throw new ShapeException(
                $"{operation}: got input {images} and weight {weight} with {Groups} groups, wants [n, h, w, c] and [o, kh, kw, c / groups]: a last dimension of {channels / Groups}");
        }

        return Windows(operation, images, outputs, (weight[1], weight[2]));
    }

    internal void CheckGroups(string operation, int channels, int outputs)
    {
        if (Groups < 1 || channels % Groups != 0 || outputs % Groups != 0)
        {
            throw new ShapeException(
                $"{operation}: got {Groups} groups for {channels} channels of input and {outputs} of output, wants groups of 1 or more that divide both");
        }
    }

    private string PaddingText => (Padding.Top, Padding.Left) == (Padding.Bottom, Padding.Right) ? $"{(Padding.Top, Padding.Left)}" : $"{Padding}";

    // The windows of a convolution or pooling, checked.
    internal WindowShape Windows(string operation, Shape images, int outputs, (int Height, int Width) kernel)
    {
        var (top, left, bottom, right) = Padding;
        if (kernel.Height < 1 || kernel.Width < 1 || Stride.Height < 1 || Stride.Width < 1 || Math.Min(Math.Min(top, left), Math.Min(bottom, right)) < 0)
        {
            throw new ShapeException(
                $"{operation}: got kernel {kernel}, stride {Stride}, padding {PaddingText}, wants kernel and stride of 1 or more, padding of 0 or more");
        }

        if (Dilation.Height < 1 || Dilation.Width < 1)
            throw new ShapeException($"{operation}: got dilation {Dilation}, wants 1 or more (1 for a kernel without gaps)");
        // In 64 bits: paddings and dilations may be any numbers.
        var (h, w) = ((long)images[^3] + top + bottom, (long)images[^2] + left + right);
        if (h > int.MaxValue || w > int.MaxValue)
            throw new ShapeException($"{operation}: {images} padded by {PaddingText} is larger than {int.MaxValue}");
        var (spanH, spanW) = (((kernel.Height - 1L) * Dilation.Height) + 1, ((kernel.Width - 1L) * Dilation.Width) + 1);
        if (h < spanH || w < spanW)
        {
            var dilated = Dilation == (1, 1) ? "" : $" with dilation {Dilation}, which spans {spanH}x{spanW},";
            throw new ShapeException($"{operation}: a kernel of {kernel.Height}x{kernel.Width}{dilated} does not fit into {images} padded to {h}x{w}");
        }

        return new WindowShape(
            images.Rank > 3 ? images[0] : 0, images[^3], images[^2], images[^1], outputs, kernel.Height, kernel.Width, Stride.Height, Stride.Width,
            top, left, bottom, right, Dilation.Height, Dilation.Width, Groups);
    }
}
