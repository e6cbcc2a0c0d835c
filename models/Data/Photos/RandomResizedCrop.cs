using EscNative.Kernels;

namespace EscNative.Models.Data;

/// <summary>A random part of a photo, brought to the network's size: torchvision's <c>RandomResizedCrop</c>, what networks are trained on photos with.</summary>
/// <remarks>Given the same random numbers the part is torchvision's, and its pixels are Pillow's: cut first, then resized.</remarks>
public sealed record RandomResizedCrop
{
    private const int Tries = 10;

    /// <summary>The least share of the photo's area.</summary>
    public double MinimumScale { get; init; } = 0.08;

    /// <summary>The largest share of the photo's area.</summary>
    public double MaximumScale { get; init; } = 1;

    /// <summary>The least ratio of width to height.</summary>
    public double MinimumRatio { get; init; } = 3.0 / 4;

    /// <summary>The largest ratio of width to height.</summary>
    public double MaximumRatio { get; init; } = 4.0 / 3;

    /// <summary>Scale and ratio, the same text in every culture: it tells runs apart.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"scale {MinimumScale:R} to {MaximumScale:R}, ratio {MinimumRatio:R} to {MaximumRatio:R}");

    /// <summary>Throws where a value is impossible.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.Require(MinimumScale is > 0 and <= 1, "random resized crop", "least scale", MinimumScale, "above 0 to 1");
        UsageException.Require(MaximumScale <= 1 && MaximumScale >= MinimumScale, "random resized crop", "largest scale", MaximumScale, "the least scale to 1");
        UsageException.Require(MinimumRatio is > 0 and <= 1000, "random resized crop", "least ratio", MinimumRatio, "above 0 to 1000");
        UsageException.Require(MaximumRatio <= 1000 && MaximumRatio >= MinimumRatio, "random resized crop", "largest ratio", MaximumRatio, "the least ratio to 1000");
    }

    /// <summary>The size of a part, where it fits into the photo: one of ten tries.</summary>
    /// <param name="height">Rows of the photo.</param>
    /// <param name="width">Columns of the photo.</param>
    /// <param name="scale">The share of the photo's area that was drawn.</param>
    /// <param name="ratio">The ratio of width to height that was drawn.</param>
    /// <returns>Rows and columns, or null where they do not fit.</returns>
    public static (int Height, int Width)? SizeOf(int height, int width, double scale, double ratio)
    {
        var area = (double)height * width * scale;
        double tall = Math.Round(Math.Sqrt(area / ratio), MidpointRounding.ToEven), wide = Math.Round(Math.Sqrt(area * ratio), MidpointRounding.ToEven);
        return wide > 0 && wide <= width && tall > 0 && tall <= height ? ((int)tall, (int)wide) : null;
    }

    /// <summary>What is taken where ten tries failed: the middle, as much as the ratios allow.</summary>
    /// <param name="height">Rows of the photo.</param>
    /// <param name="width">Columns of the photo.</param>
    public ImageWindow Middle(int height, int width)
    {
        var ratio = (double)width / height;
        // Of a photo of one row or column rounding would leave nothing, on which torchvision fails.
        var (tall, wide) = ratio < MinimumRatio ? (Math.Max(1, (int)Math.Round(width / MinimumRatio, MidpointRounding.ToEven)), width)
            : ratio > MaximumRatio ? (height, Math.Max(1, (int)Math.Round(height * MaximumRatio, MidpointRounding.ToEven)))
            : (height, width);
        return new ImageWindow((height - tall) / 2, (width - wide) / 2, tall, wide);
    }

    /// <summary>The part of a photo in one epoch: a pure function of the numbers, so that it depends neither on the batch nor on threads.</summary>
    /// <param name="height">Rows of the photo.</param>
    /// <param name="width">Columns of the photo.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="stream">The stream of the epoch.</param>
    /// <param name="id">The photo's id in its set.</param>
    internal ImageWindow Draw(int height, int width, ulong seed, ulong stream, int id)
    {
        var (least, most) = (Math.Log(MinimumRatio), Math.Log(MaximumRatio));
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var (a, b, c, d) = Philox.Block(seed, stream, ((ulong)id * Tries) + (ulong)attempt);
            var scale = MinimumScale + ((MaximumScale - MinimumScale) * Unit(a));
            if (SizeOf(height, width, scale, Math.Exp(least + ((most - least) * Unit(b)))) is { } size)
                return new ImageWindow(Below(c, height - size.Height + 1), Below(d, width - size.Width + 1), size.Height, size.Width);
        }

        return Middle(height, width);
    }

    private static double Unit(uint word) => word / 4294967296.0;

    private static int Below(uint word, int bound) => (int)(((ulong)word * (uint)bound) >> 32);
}
