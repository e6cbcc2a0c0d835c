using System.Globalization;

namespace EscNative.Models.Data;

/// <summary>How photos of any size become a network's input: torchvision's transforms on Pillow images, bit for bit.</summary>
public sealed class ImageTransform
{
    private readonly int _numerator;
    private readonly int _denominator;

    private const string Cut = "crop-", Whole = "stretch-";

    private ImageTransform(string name, ImageFilter filter, int numerator, int denominator)
    {
        Name = name;
        Filter = filter;
        _numerator = numerator;
        _denominator = denominator;
    }

    /// <summary>The whole image, bilinear, whatever its proportions: <c>Resize((s, s))</c>.</summary>
    public static ImageTransform Stretch { get; } = new("stretch", ImageFilter.Bilinear, 0, 1);

    /// <summary>The middle: <c>Resize(s * 256 / 224)</c>, bilinear, then <c>CenterCrop(s)</c>. What ResNets of ImageNet are evaluated with.</summary>
    public static ImageTransform Crop { get; } = new("crop", ImageFilter.Bilinear, 256, 224);

    /// <summary>The middle: <c>Resize(s / 0.9)</c>, bicubic, then <c>CenterCrop(s)</c>. What vision transformers are evaluated with.</summary>
    public static ImageTransform CropBicubic { get; } = new("crop-bicubic", ImageFilter.Bicubic, 10, 9);

    /// <summary>Every transform that has a name of its own.</summary>
    public static IReadOnlyList<ImageTransform> All { get; } = [Stretch, Crop, CropBicubic];

    /// <summary>Its name on a command line.</summary>
    public string Name { get; }

    /// <summary>How pixels are weighed.</summary>
    public ImageFilter Filter { get; }

    /// <summary>The transform of a name.</summary>
    /// <param name="name">One of <see cref="All"/>.</param>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static ImageTransform Parse(string name) => All.FirstOrDefault(t => t.Name == name)
        ?? throw new UsageException($"resize: got '{name}', wants {string.Join(", ", All.Select(t => t.Name))}");

    /// <summary>The whole image, whatever its proportions.</summary>
    /// <param name="filter">How pixels are weighed.</param>
    public static ImageTransform Stretched(ImageFilter filter) =>
        filter == ImageFilter.Bilinear ? Stretch : new(Whole + filter.ToString().ToLowerInvariant(), filter, 0, 1);

    /// <summary>The middle: <c>Resize(s * shorter / side)</c>, then <c>CenterCrop(s)</c>.</summary>
    /// <param name="shorter">The shorter side of the resized image.</param>
    /// <param name="side">The side of the middle that is taken of it, at most that.</param>
    /// <param name="filter">How pixels are weighed.</param>
    public static ImageTransform Cropped(int shorter, int side, ImageFilter filter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shorter, side);
        return filter == Crop.Filter && (long)shorter * Crop._denominator == (long)side * Crop._numerator ? Crop
            : filter == CropBicubic.Filter && (shorter, side) == (248, 224) ? CropBicubic
            : new(FormattableString.Invariant($"{Cut}{shorter}/{side}-{filter.ToString().ToLowerInvariant()}"), filter, shorter, side);
    }

    /// <summary>The transform of a name, or null: one of <see cref="All"/>, or as <see cref="Stretched"/> and <see cref="Cropped"/> name theirs.</summary>
    internal static ImageTransform? Find(string name)
    {
        if (All.FirstOrDefault(t => t.Name == name) is { } known)
            return known;
        var isWhole = name.StartsWith(Whole, StringComparison.Ordinal);
        var words = isWhole ? [name[Whole.Length..]] : name.StartsWith(Cut, StringComparison.Ordinal) ? name[Cut.Length..].Split('/', '-') : [];
        if (words.Length != (isWhole ? 1 : 3))
            return null;
        // Lower case, as the names are written.
        if (words[^1].Any(char.IsUpper) || !Enum.TryParse<ImageFilter>(words[^1], ignoreCase: true, out var filter) || int.TryParse(words[^1], out _))
            return null;
        return words.Length == 1 ? Stretched(filter)
            : int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var shorter) && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var side)
            && side >= 1 && shorter >= side && shorter <= ImageLimits.Side ? Cropped(shorter, side, filter)
            : null;
    }

    /// <summary>The image in a network's size.</summary>
    /// <param name="image">The image.</param>
    /// <param name="height">Rows wanted.</param>
    /// <param name="width">Columns wanted.</param>
    public Image Apply(Image image, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (_numerator == 0)
            return image.Resize(height, width, Filter);
        var (tall, wide) = Shorter(image.Height, image.Width, SideOf(height, width));
        // Of a very long image the part that is cut off is never made.
        return Resampler.Resize(image, tall, wide, Filter, new ImageWindow(Image.Middle(tall, height), Image.Middle(wide, width), height, width));
    }

    /// <summary>The size that torchvision's <c>Resize(s)</c> gives: the shorter side is s, the other in proportion, rounded down.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="side">The shorter side wanted.</param>
    public static (int Height, int Width) Shorter(int height, int width, int side)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        var (least, most) = (Math.Min(height, width), Math.Max(height, width));
        var other = checked((int)((double)((long)side * most) / least));
        return height <= width ? (side, other) : (other, side);
    }

    /// <summary>What it does to images of a size, in torchvision's words.</summary>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    public string Describe(int height, int width) => FormattableString.Invariant(_numerator == 0
        ? (FormattableString)$"Resize(({height}, {width})) {Filter.ToString().ToLowerInvariant()}"
        : $"Resize({SideOf(height, width)}) {Filter.ToString().ToLowerInvariant()}, CenterCrop(({height}, {width}))");

    private int SideOf(int height, int width) => (int)((long)Math.Max(height, width) * _numerator / _denominator);
}
