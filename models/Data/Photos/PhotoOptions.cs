namespace EscNative.Models.Data;

/// <summary>How folders and tables of photos are read.</summary>
public sealed record PhotoOptions
{
    /// <summary>Reads PNG, JPEG and what else it can; null reads PGM and PPM only. The package EscNative.Images has one.</summary>
    public IImageDecoder? Decoder { get; init; }

    /// <summary>Rows of the images that come out.</summary>
    public int Height { get; init; } = FaceFolder.DefaultSide;

    /// <summary>Columns of the images that come out.</summary>
    public int Width { get; init; } = FaceFolder.DefaultSide;

    /// <summary>1 (grey) or 3.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>How photos come to that size.</summary>
    public ImageTransform Transform { get; init; } = ImageTransform.Stretch;

    /// <summary>What happens where a photo cannot be read.</summary>
    public BadImagePolicy OnBadImage { get; init; }

    /// <summary>Bytes of resized images that may be kept in memory; null for a quarter of what the process may have. A larger set is decoded again in every pass.</summary>
    public long? MemoryBudget { get; init; }

    /// <summary>The share of each class that becomes the test set where the folder names none; at least one image.</summary>
    public double TestShare { get; init; } = 0.2;

    /// <summary>Seed of that choice. It is no run's seed: a model is to be tested on what it was not trained on.</summary>
    public ulong SplitSeed { get; init; }

    /// <summary>Told how much of the photos is decoded, 0 to 1, or null.</summary>
    public IProgress<double>? Progress { get; init; }

    /// <summary>Cancels the reading between photos.</summary>
    public CancellationToken Cancel { get; init; }

    /// <summary>Throws where a value is impossible.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Transform);
        UsageException.Require(Height is >= 1 and <= ImageLimits.Side, "photos", "height", Height, $"1 to {ImageLimits.Side}");
        UsageException.Require(Width is >= 1 and <= ImageLimits.Side, "photos", "width", Width, $"1 to {ImageLimits.Side}");
        UsageException.Require(Channels is 1 or 3, "photos", "channels", Channels, "1 or 3");
        UsageException.Require(TestShare is > 0 and < 1, "photos", "test share", TestShare, "above 0 to below 1");
        UsageException.Require(MemoryBudget is null or >= 0, "photos", "memory budget", MemoryBudget ?? 0, "0 or more bytes");
    }
}
