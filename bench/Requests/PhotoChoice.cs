using System.CommandLine;
using EscNative.Bench.Cli;
using EscNative.Images;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>How the options have photos read.</summary>
/// <param name="Resize">The name of a transform, or null for the usual one of the network.</param>
/// <param name="OnBadImage">What happens where one cannot be read.</param>
/// <param name="MemoryBudget">Bytes of resized photos that may be kept, or null for the default.</param>
/// <param name="Progress">Told how much is decoded, or null.</param>
/// <param name="Given">The options of photos that the user gave.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record PhotoChoice(
    string? Resize = null, BadImagePolicy OnBadImage = BadImagePolicy.Error, long? MemoryBudget = null, IProgress<double>? Progress = null,
    IReadOnlyList<string>? Given = null, CancellationToken Cancel = default)
{
    /// <summary>The name that leaves the choice to the network.</summary>
    public const string ByNetwork = "auto";

    // Below it the middle of a photo is a poor part of it, and no published network crops.
    private const int LeastCropped = 128;

    private static readonly SkiaImageDecoder Decoder = new();

    /// <summary>What the model's own file says, or null; an option goes before it.</summary>
    public ImageTransform? OfModel { get; init; }

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
            [.. new Option[] { options.Resize, options.OnBadImage, options.ImageMemory }.Where(context.Has).Select(option => option.Name)],
            context.Cancel);
    }

    /// <summary>The images at a path; photos in a size.</summary>
    /// <param name="path">A folder, an archive, or <c>embedded</c>.</param>
    /// <param name="architecture">The network that they are for.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="identities">Of faces, how many people; 0 takes all.</param>
    /// <exception cref="UsageException">Options of photos were given, and the data are none.</exception>
    /// <exception cref="EscException">They cannot be used.</exception>
    public DataSet Open(string path, string architecture, int height, int width, int channels, int identities)
    {
        try
        {
            var data = DataFolder.Open(path, For(architecture, height, width, channels), identities: identities);
            return data.ArePhotos || Given is not { Count: > 0 }
                ? data
                : throw new UsageException($"{string.Join(", ", Given)}: {path} holds {data.Name}, which are no photos that are decoded and resized: leave {(Given.Count == 1 ? "it" : "them")} out");
        }
        finally
        {
            // Of photos that fail no share is ever the last.
            (Progress as IDisposable)?.Dispose();
        }
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
        Transform = Resize is { } name ? ImageTransform.Parse(name) : OfModel ?? Usual(architecture, Math.Min(height, width)),
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
    private sealed class SynchronousShare(CommandContext context) : IProgress<double>, IDisposable
    {
        private ProgressLine? _line;

        public void Report(double value)
        {
            (_line ??= new ProgressLine(context.Terminal)).Report("photos", value);
            if (value >= 1)
                Dispose();
        }

        public void Dispose()
        {
            _line?.Dispose();
            _line = null;
        }
    }
}
