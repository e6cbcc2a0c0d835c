namespace EscNative.Models.Data;

/// <summary>Training and test images of one task.</summary>
/// <param name="name">What it is called in reports.</param>
/// <param name="train">The training images.</param>
/// <param name="test">The test images: the same size and classes.</param>
/// <param name="normalisation">How bytes become the network's input.</param>
public sealed class DataSet(string name, ImageSet train, ImageSet test, Normalisation normalisation)
{
    private DataRecord? _record;

    /// <summary>What it is called in reports.</summary>
    public string Name { get; } = name;

    /// <summary>The training images.</summary>
    public ImageSet Train { get; } = train;

    /// <summary>The test images.</summary>
    public ImageSet Test { get; } = test;

    /// <summary>The name of every class.</summary>
    public IReadOnlyList<string> ClassNames => Train.ClassNames;

    /// <summary>How bytes become the network's input.</summary>
    public Normalisation Normalisation { get; } = normalisation;

    /// <summary>What a model that is trained on this records of it: of a part of a data set, the whole and what was left out.</summary>
    public DataRecord Record => _record ??= Part is { } part ? part.Whole.Record with { Without = [.. part.Whole.Record.Without, .. part.Without] } : DataRecord.Of(this);

    /// <summary>Who each training image shows, by its id, where the data says so; else null. Empty text where it does not say it of an image.</summary>
    public IReadOnlyList<string>? Subjects { get; init; }

    /// <summary>How the images came to their size; null where they have the size in which they are stored.</summary>
    public ImageTransform? Transform { get; init; }

    /// <summary>Whether they were decoded from files of photos as <see cref="PhotoOptions"/> says.</summary>
    internal bool ArePhotos { get; init; }

    /// <summary>The data that this is a part of, and what it lacks; null for whole data.</summary>
    internal (DataSet Whole, IReadOnlyList<string> Without)? Part { get; init; }

    /// <summary>What a reader of results should know, for example an unusual number of images.</summary>
    public IReadOnlyList<string> Notes => [.. Train.Notes, .. Test.Notes];

    /// <summary>The same data with images of at least the given size; see <see cref="ImageSet.Fit"/>.</summary>
    /// <param name="height">Rows wanted.</param>
    /// <param name="width">Columns wanted.</param>
    /// <param name="channels">Channels wanted.</param>
    /// <exception cref="UsageException">The images cannot be padded or repeated to it.</exception>
    public DataSet Fit(int height, int width, int channels) =>
        new(Name, Train.Fit(height, width, channels), Test.Fit(height, width, channels), Normalisation) { Subjects = Subjects, ArePhotos = ArePhotos, Transform = Transform };

    /// <summary>The same data in another size, made as photos are: for images that are stored in a size which the network does not take.</summary>
    /// <param name="photos">The size, the transform, and the memory that the images may take; a larger set is resized again in every pass.</param>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public DataSet Resize(PhotoOptions photos)
    {
        ArgumentNullException.ThrowIfNull(photos);
        photos.Validate();
        var (train, test) = ResizedImages.Of(this, photos);
        return new DataSet(Name, train, test, Normalisation) { Subjects = Subjects, ArePhotos = ArePhotos, Transform = photos.Transform };
    }

    /// <summary>The same images with another normalisation.</summary>
    /// <param name="normalisation">How bytes become the network's input.</param>
    public DataSet With(Normalisation normalisation) => new(Name, Train, Test, normalisation) { Part = Part, Subjects = Subjects, ArePhotos = ArePhotos, Transform = Transform };
}
