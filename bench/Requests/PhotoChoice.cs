using System.CommandLine;
using EscNative.Bench.Cli;
using EscNative.Images;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>How the options have photos read, and images resized.</summary>
/// <param name="Resize">The name of a transform, or null for the one that the model was trained with, or else the usual one of the network.</param>
/// <param name="OnBadImage">What happens where one cannot be read.</param>
/// <param name="MemoryBudget">Bytes of resized photos that may be kept, or null for the default.</param>
/// <param name="Progress">Told how much is decoded, or null.</param>
/// <param name="Given">The options for photos alone that stand on the command line: for other data they are refused. What the environment and a file
/// of configuration say is for all runs, and is passed over where there are no photos.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record PhotoChoice(
    string? Resize = null, BadImagePolicy OnBadImage = BadImagePolicy.Error, long? MemoryBudget = null, IProgress<double>? Progress = null,
    IReadOnlyList<string>? Given = null, CancellationToken Cancel = default)
{
    /// <summary>The name that leaves the choice to the network.</summary>
    public const string ByNetwork = "auto";

    // Below it the middle of a photo is a poor part of it, and no published network crops.
    private const int LeastCropped = 128;

    // Made when it is first needed: what the environment says of it may be wrong, which is the user's to hear.
    private static SkiaImageDecoder? _decoder;

    /// <summary>Whether <see cref="Resize"/> is said of this run: what the environment and a file of configuration say is of photos alone.</summary>
    public bool IsResizeTyped { get; init; } = true;

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
            [.. new Option[] { options.OnBadImage, options.ImageMemory }.Where(context.IsTyped).Select(option => option.Name)],
            context.Cancel)
        {
            IsResizeTyped = context.IsTyped(options.Resize),
        };
    }

    /// <summary>The images at a path in a size: photos, and others where they are to be resized.</summary>
    /// <param name="path">A folder, an archive, or <c>embedded</c>.</param>
    /// <param name="architecture">The network that they are for.</param>
    /// <param name="trained">The transform that a model's file records of the images that it was trained on, or null.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="identities">Of faces, how many people; 0 takes all.</param>
    /// <exception cref="UsageException">Options of photos were given, and the data are none.</exception>
    /// <exception cref="EscException">They cannot be used.</exception>
    public DataSet Open(string path, string architecture, string? trained, int height, int width, int channels, int identities)
    {
        try
        {
            var options = For(architecture, height, width, channels, trained);
            var data = DataFolder.Open(path, options, identities: identities);
            // What is stored in one size is resized where somebody says so of these images; else it is framed, or refused.
            var resized = data.Transform is null && (Resize is null ? trained is not null : IsResizeTyped);
            if (resized)
                data = data.Resize(options);
            var useless = Given?.Where(name => !data.ArePhotos && !(resized && name == "--image-memory")).ToArray() ?? [];
            return useless.Length == 0
                ? data
                : throw new UsageException($"{string.Join(", ", useless)}: {path} holds {data.Name}, which are no photos that are decoded and resized: leave {(useless.Length == 1 ? "it" : "them")} out");
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
    /// <param name="trained">The transform that a model's file records, or null.</param>
    public PhotoOptions For(string architecture, int height, int width, int channels, string? trained = null) => new()
    {
        Decoder = _decoder ??= new SkiaImageDecoder(),
        Height = height,
        Width = width,
        Channels = channels,
        Transform = Resize is { } name ? ImageTransform.Parse(name)
            : trained is null ? Usual(architecture, Math.Min(height, width))
            : ImageTransform.Find(trained) ?? throw new UsageException($"the model's file says that images came to their size by '{trained}', which this version does not know: name a way by --resize"),
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
