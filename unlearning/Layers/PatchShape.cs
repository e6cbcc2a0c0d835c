using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Unlearning.Layers;

/// <summary>What a layer multiplies its weight with, as rows: the windows of a convolution, or the vectors of a linear layer.</summary>
/// <remarks>A row has the order of a row of the weight, flattened: [kh, kw, in] for a convolution's [out, kh, kw, in] (PyTorch's unfold
/// has [in, kh, kw], to go with its weights).</remarks>
internal readonly record struct PatchShape(WindowShape Window)
{
    /// <summary>Windows, or vectors, of one image.</summary>
    public int PerImage => Window.OutHeight * Window.OutWidth;

    /// <summary>Values of a window.</summary>
    public int Size => Window.KernelHeight * Window.KernelWidth * Window.InChannels;

    /// <summary>The rows of a layer's input.</summary>
    /// <param name="layer">A linear layer, or a convolution of one group.</param>
    /// <param name="input">[n, h, w, c], or [n, .., in].</param>
    public static PatchShape Of(Module layer, Shape input)
    {
        var channels = input[^1];
        if (layer is not Conv2d conv)
            return new(WindowShape.Of((1, 1, (int)(input.Count / input[0] / channels), channels), channels, (1, 1), (1, 1), (0, 0)));
        var (weight, o) = (conv.Weight.Shape, conv.Options);
        return new(new WindowShape(
            1, input[1], input[2], channels, weight[0], weight[1], weight[2], o.Stride.Height, o.Stride.Width,
            o.Padding.Top, o.Padding.Left, o.Padding.Bottom, o.Padding.Right, o.Dilation.Height, o.Dilation.Width));
    }

    /// <summary>Copies a row; what lies outside of the image is 0.</summary>
    /// <param name="image">One image of the input, [h, w, c].</param>
    /// <param name="position">0 .. PerImage - 1, row by row.</param>
    /// <param name="row">Receives [kh, kw, c].</param>
    public void Copy(ReadOnlySpan<float> image, int position, Span<float> row)
    {
        var (s, channels) = (Window, Window.InChannels);
        var (top, left) = ((position / s.OutWidth * s.StrideHeight) - s.PadTop, (position % s.OutWidth * s.StrideWidth) - s.PadLeft);
        for (var ky = 0; ky < s.KernelHeight; ky++)
        {
            for (var kx = 0; kx < s.KernelWidth; kx++)
            {
                var to = row.Slice(((ky * s.KernelWidth) + kx) * channels, channels);
                var (y, x) = (top + (ky * s.DilationHeight), left + (kx * s.DilationWidth));
                if (y >= 0 && y < s.Height && x >= 0 && x < s.Width)
                    image.Slice(((y * s.Width) + x) * channels, channels).CopyTo(to);
                else
                    to.Clear();
            }
        }
    }
}
