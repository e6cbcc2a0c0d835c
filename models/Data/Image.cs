namespace EscNative.Models.Data;

/// <summary>One 8-bit image of its own size.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 (grey) or 3 (red, green, blue).</param>
/// <param name="Pixels">[height, width, channels].</param>
public sealed record Image(int Height, int Width, int Channels, ReadOnlyMemory<byte> Pixels)
{
    /// <summary>The image in another size: the bytes that Pillow's <c>resize</c> gives.</summary>
    /// <param name="height">Rows wanted.</param>
    /// <param name="width">Columns wanted.</param>
    /// <param name="filter">The filter.</param>
    public Image Resize(int height, int width, ImageFilter filter = ImageFilter.Bilinear)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        return Resampler.Resize(this, height, width, filter, new ImageWindow(0, 0, height, width));
    }

    /// <summary>The middle of the image, in a black frame where the image is smaller: torchvision's <c>CenterCrop</c>.</summary>
    /// <param name="height">Rows wanted.</param>
    /// <param name="width">Columns wanted.</param>
    public Image CentreCrop(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        // Of an odd frame the larger part lies below and right; of an odd cut the halves are rounded to even.
        return Cut(new ImageWindow(
            height > Height ? -((height - Height) / 2) : Middle(Height, height), width > Width ? -((width - Width) / 2) : Middle(Width, width), height, width));
    }

    /// <summary>A part of the image; what lies outside of it is black.</summary>
    /// <param name="window">The part.</param>
    public Image Cut(ImageWindow window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window.Height, 1, nameof(window));
        ArgumentOutOfRangeException.ThrowIfLessThan(window.Width, 1, nameof(window));
        if (window == new ImageWindow(0, 0, Height, Width))
            return this;
        var pixels = new byte[window.Height * window.Width * Channels];
        var from = Pixels.Span;
        int left = Math.Max(window.Left, 0), right = Math.Min(window.Left + window.Width, Width);
        for (var y = 0; y < window.Height && left < right; y++)
        {
            var row = window.Top + y;
            if (row >= 0 && row < Height)
                from.Slice(((row * Width) + left) * Channels, (right - left) * Channels).CopyTo(pixels.AsSpan(((y * window.Width) + left - window.Left) * Channels));
        }

        return new Image(window.Height, window.Width, Channels, pixels);
    }

    /// <summary>The image with grey repeated into three channels, or as it is.</summary>
    public Image InColour()
    {
        if (Channels == 3)
            return this;
        var grey = Pixels.Span;
        var pixels = new byte[grey.Length * 3];
        for (int i = 0, at = 0; i < grey.Length; i++, at += 3)
            pixels[at] = pixels[at + 1] = pixels[at + 2] = grey[i];
        return new Image(Height, Width, 3, pixels);
    }

    /// <summary>The image in grey, as Pillow's <c>convert("L")</c>, or as it is.</summary>
    public Image InGrey()
    {
        if (Channels == 1)
            return this;
        var colours = Pixels.Span;
        var pixels = new byte[colours.Length / 3];
        for (int i = 0, at = 0; i < pixels.Length; i++, at += 3)
            pixels[i] = (byte)(((colours[at] * 19595) + (colours[at + 1] * 38470) + (colours[at + 2] * 7471) + 0x8000) >> 16);
        return new Image(Height, Width, 1, pixels);
    }

    /// <summary>Where a cut of the middle begins: half of what is too much, rounded to even.</summary>
    internal static int Middle(int size, int wanted) => (int)Math.Round((size - wanted) / 2.0, MidpointRounding.ToEven);
}
