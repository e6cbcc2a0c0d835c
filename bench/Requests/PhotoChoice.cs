using EscNative.Bench.Cli;
using EscNative.Images;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>How the options have photos read.</summary>
/// <param name="Resize">The name of a transform, or null for the usual one of the network.</param>
/// <param name="OnBadImage">What happens where one cannot be read.</param>
/// <param name="MemoryBudget">Bytes of resized photos that may be kept, or null for the default.</param>
/// <param name="Progress">Told how much is decoded, or null.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record PhotoChoice(
    string? Resize = null, BadImagePolicy OnBadImage = BadImagePolicy.Error, long? MemoryBudget = null, IProgress<double>? Progress = null, CancellationToken Cancel = default)
{
    /// <summary>The name that leaves the choice to the network.</summary>
    public const string ByNetwork = "auto";

    // Below it the middle of a photo is a poor part of it, and no published network crops.
    private const int LeastCropped = 128;

    private static readonly SkiaImageDecoder Decoder = new();

    /// <summary>What the options say.</summary>
    public static PhotoChoice Of(CommandContext context)
    {
        var options = context.Options;
        var resize = context.Get(options.Resize);
        return new PhotoChoice(
            resize == ByNetwork ? null : resize,
            context.Get(options.OnBadImage) == "skip" ? BadImagePolicy.Skip : BadImagePolicy.Error,
            context.Get(options.ImageMemory) is { } megabytes ? megabytes * 1_000_000L : null,
            new SynchronousShare(context),
            context.Cancel);
    }

    /// <summary>The options of the library for images of a size.</summary>
    /// <param name="architecture">The network that they are for.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels.</param>
    public PhotoOptions For(string architecture, int height, int width, int channels) => new()
    {
        Decoder = Decoder,
        Height = height,
        Width = width,
        Channels = channels,
        Transform = Resize is { } name ? ImageTransform.Parse(name) : Usual(architecture, Math.Min(height, width)),
        OnBadImage = OnBadImage,
        MemoryBudget = MemoryBudget,
        Progress = Progress,
        Cancel = Cancel,
    };

    private static ImageTransform Usual(string architecture, int side) =>
        side < LeastCropped ? ImageTransform.Stretch
        : architecture.StartsWith("resnet", StringComparison.Ordinal) ? ImageTransform.Crop
        : architecture.StartsWith("vit", StringComparison.Ordinal) ? ImageTransform.CropBicubic
        : ImageTransform.Stretch;

    // The line is gone before anything else is said.
    private sealed class SynchronousShare(CommandContext context) : IProgress<double>
    {
        private ProgressLine? _line;

        public void Report(double value)
        {
            (_line ??= new ProgressLine(context.Terminal)).Report("photos", value);
            if (value < 1)
                return;
            _line.Dispose();
            _line = null;
        }
    }
}
