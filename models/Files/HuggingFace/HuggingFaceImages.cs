using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a <c>preprocessor_config.json</c> says: how large images are, how they come to that size, how they are normalised.</summary>
internal sealed class HuggingFaceImages
{
    /// <summary>The file's name.</summary>
    public const string FileName = "preprocessor_config.json";

    // Of ConvNeXt's preparation, which ResNets have too, where the file does not say it.
    private const double UsualCrop = 224.0 / 256;
    // From this size on it does not crop.
    private const int Uncropped = 384;
    private const int MostChannels = 16;

    private HuggingFaceImages(ConfigJson json)
    {
        Json = json;
        if (json.Flag("do_rescale") == false)
            throw json.Wrong("do_rescale", "is false: the network wants pixels from 0 to 255, and here they are 0 to 1 before they are normalised");
        if (json.Number("rescale_factor", 0, 1) is { } factor && Math.Abs((factor * 255) - 1) > 1e-3)
            throw json.Bad("rescale_factor", "0.00392 (1 / 255): pixels are 0 to 1 here before they are normalised");
        Normalisation = NormalisationOf(json);
        if (json.Flag("do_resize") != false)
            (Size, Transform, Remark) = SizeOf(json);
    }

    /// <summary>The file.</summary>
    public ConfigJson Json { get; }

    /// <summary>How pixels become inputs, or null where it does not say.</summary>
    public Normalisation? Normalisation { get; }

    /// <summary>Rows and columns, or null.</summary>
    public int? Size { get; }

    /// <summary>How photos come to that size, or null.</summary>
    public ImageTransform? Transform { get; }

    /// <summary>What of it is not done here, or null.</summary>
    public string? Remark { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataFormatException">It is damaged, or wants what is not done here.</exception>
    public static HuggingFaceImages Read(string path) => new(ConfigJson.Read(path));

    private static Normalisation? NormalisationOf(ConfigJson json)
    {
        if (json.Flag("do_normalize") == false)
            return new Normalisation(FileName, [0], [1]);
        var (mean, deviation) = (json.Numbers("image_mean", MostChannels), json.Numbers("image_std", MostChannels));
        if (mean is null && deviation is null)
            return null;
        if (mean is null || deviation is null || mean.Length != deviation.Length)
            throw json.Bad(mean is null ? "image_mean" : "image_std", "as many numbers as the other of image_mean and image_std");
        return Array.Exists(deviation, d => d < 1e-6f) ? throw json.Bad("image_std", "numbers above 0") : new Normalisation(FileName, mean, deviation);
    }

    private static (int? Size, ImageTransform? Transform, string? Remark) SizeOf(ConfigJson json)
    {
        var (square, shortest) = Side(json, "size");
        if (square is null && shortest is null)
            return (null, null, json.Has("size") ? $"{FileName}: the images that it wants are not square, and --resize says how photos come to their size." : null);
        var filter = Filter(json);
        var kind = json.Text("image_processor_type") ?? json.Text("feature_extractor_type") ?? "";
        if (json.Has("crop_pct") || kind.StartsWith("ConvNext", StringComparison.Ordinal))
        {
            var size = (square ?? shortest)!.Value;
            var share = json.Number("crop_pct", 0.05, 1) ?? UsualCrop;
            return (size, size < Uncropped ? ImageTransform.Cropped((int)(size / share), size, filter) : ImageTransform.Stretched(filter), null);
        }

        if (json.Flag("do_center_crop") == true && json.Has("crop_size"))
        {
            var (crop, _) = Side(json, "crop_size");
            if (crop is not { } cut)
                throw json.Bad("crop_size", "a number, or equal height and width: images are square here");
            return shortest is { } edge && edge >= cut
                ? (cut, ImageTransform.Cropped(edge, cut, filter), null)
                : (cut, null, FormattableString.Invariant($"{FileName}: photos are stretched to {square ?? shortest} pixels there and cut to {cut}, which is not done here: --resize says how they come to their size."));
        }

        return square is { } side
            ? (side, ImageTransform.Stretched(filter), null)
            : (null, null, FormattableString.Invariant($"{FileName}: photos keep their proportions there (the shorter side has {shortest} pixels), and --resize says how they come to a square here."));
    }

    // A number, {height, width}, or {shortest_edge}.
    private static (int? Square, int? Shortest) Side(ConfigJson json, string key)
    {
        if (!json.Has(key))
            return (null, null);
        if (!json.HasObject(key))
            return (json.Whole(key, 1, ImageLimits.Side), null);
        var inside = json.Inside(key);
        if (inside.Whole("shortest_edge", 1, ImageLimits.Side) is { } edge)
            return (null, edge);
        var (height, width) = (inside.Whole("height", 1, ImageLimits.Side), inside.Whole("width", 1, ImageLimits.Side));
        if (height is null || width is null)
            throw json.Bad(key, "a number, height and width, or shortest_edge");
        return (height == width ? height : null, null);
    }

    private static ImageFilter Filter(ConfigJson json) => json.Whole("resample", 0, 5) switch
    {
        null or 2 => ImageFilter.Bilinear,
        1 => ImageFilter.Lanczos,
        3 => ImageFilter.Bicubic,
        4 => ImageFilter.Box,
        5 => ImageFilter.Hamming,
        _ => throw json.Bad("resample", "1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming): the nearest pixel alone is not taken here"),
    };
}
