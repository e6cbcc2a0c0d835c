using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Images in memory as NHWC floats, each within a border of readable zeros: its halo.</summary>
/// <remarks>
/// With a halo as wide as its padding, a convolution reads its input in place, without a branch at the border. Whoever writes
/// the images writes the halo too (<see cref="ClearHalo"/>). Kernels read the halo and never write it.
/// </remarks>
/// <param name="Data">Pixel (0, 0) of the first image, behind the halo.</param>
/// <param name="Height">Rows of an image, without the halo.</param>
/// <param name="Width">Pixels of a row, without the halo.</param>
/// <param name="Channels">Values of a pixel.</param>
/// <param name="Halo">Pixels of zeros on each side.</param>
public readonly unsafe record struct ImageView(nint Data, int Height, int Width, int Channels, int Halo)
{
    /// <summary>Contiguous images, without a halo.</summary>
    public ImageView(float* data, int height, int width, int channels)
        : this((nint)data, height, width, channels, 0)
    {
    }

    /// <summary>Values from one row to the next.</summary>
    public int RowStride => (Width + (2 * Halo)) * Channels;

    /// <summary>Values from one image to the next.</summary>
    public long ImageStride => (long)(Height + (2 * Halo)) * RowStride;

    /// <summary>Whether there is nothing here (no residual).</summary>
    public bool IsNone => Data == 0;

    /// <summary>Where a pixel stands; rows and columns within the halo are allowed.</summary>
    public float* At(int image, int row, int column) => (float*)Data + (image * ImageStride) + ((long)row * RowStride) + ((long)column * Channels);

    /// <summary>The view of images in a block of memory that holds their halos: the block begins with a halo row.</summary>
    /// <param name="block">ImageStride values an image.</param>
    /// <param name="height">Rows of an image, without the halo.</param>
    /// <param name="width">Pixels of a row, without the halo.</param>
    /// <param name="channels">Values of a pixel.</param>
    /// <param name="halo">Pixels of zeros on each side.</param>
    public static ImageView InBlock(float* block, int height, int width, int channels, int halo) =>
        new((nint)(block + ((((long)halo * (width + (2 * halo))) + halo) * channels)), height, width, channels, halo);

    /// <summary>Writes zeros into the halos.</summary>
    /// <param name="images">How many images there are.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ClearHalo(int images)
    {
        if (Halo == 0)
            return;
        var line = RowStride;
        var side = 2 * Halo * Channels;
        for (var image = 0; image < images; image++)
        {
            // The end of a row's halo and the beginning of the next one's are one piece.
            var above = At(image, -Halo, -Halo);
            new Span<float>(above, (Halo * line) + (Halo * Channels)).Clear();
            for (var row = 0; row + 1 < Height; row++)
                new Span<float>(At(image, row, Width), side).Clear();
            if (Height > 0)
                new Span<float>(At(image, Height - 1, Width), (Halo * Channels) + (Halo * line)).Clear();
        }
    }
}
