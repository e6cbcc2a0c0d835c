using EscNative.Engine;
using EscNative.Engine.Layers;

namespace EscNative.Unlearning.Layers;

/// <summary>What a layer multiplies its weight with, as rows: the windows of a convolution, or the vectors of a linear layer.</summary>
/// <remarks>A row has the order of a row of the weight, flattened: [kh, kw, in] for a convolution's [out, kh, kw, in] (PyTorch's unfold
/// has [in, kh, kw], to go with its weights).</remarks>
internal readonly record struct PatchShape(int Height, int Width, int Channels, int Kernel, int Stride, int Padding, int Rows, int Columns)
{
    /// <summary>Windows, or vectors, of one image.</summary>
    public int PerImage => Rows * Columns;

    /// <summary>Values of a window.</summary>
    public int Size => Kernel * Kernel * Channels;

    /// <summary>The rows of a layer's input.</summary>
    /// <param name="layer">A convolution or a linear layer.</param>
    /// <param name="input">[n, h, w, c], or [n, .., in].</param>
    public static PatchShape Of(Module layer, Shape input)
    {
        var channels = input[^1];
        if (layer is not Conv2d conv)
            return new(1, (int)(input.Count / input[0] / channels), channels, 1, 1, 0, 1, (int)(input.Count / input[0] / channels));
        var kernel = conv.Weight.Shape[1];
        int Extent(int size) => ((size + (2 * conv.Padding) - kernel) / conv.Stride) + 1;
        return new(input[1], input[2], channels, kernel, conv.Stride, conv.Padding, Extent(input[1]), Extent(input[2]));
    }

    /// <summary>Copies a row; what lies outside of the image is 0.</summary>
    /// <param name="image">One image of the input, [h, w, c].</param>
    /// <param name="position">0 .. PerImage - 1, row by row.</param>
    /// <param name="row">Receives [kh, kw, c].</param>
    public void Copy(ReadOnlySpan<float> image, int position, Span<float> row)
    {
        var (top, left) = ((position / Columns * Stride) - Padding, (position % Columns * Stride) - Padding);
        for (var y = 0; y < Kernel; y++)
        {
            for (var x = 0; x < Kernel; x++)
            {
                var to = row.Slice(((y * Kernel) + x) * Channels, Channels);
                if (top + y >= 0 && top + y < Height && left + x >= 0 && left + x < Width)
                    image.Slice((((top + y) * Width) + left + x) * Channels, Channels).CopyTo(to);
                else
                    to.Clear();
            }
        }
    }
}
