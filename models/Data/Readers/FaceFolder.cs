using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Reads folders of PGM or PPM images: a folder a person, such as the ORL faces.</summary>
/// <remarks>
/// Either <c>FOLDER/person/*.pgm</c>, whose last fifth of every person (by file name, numbers by value, at least one) is the test set;
/// or <c>FOLDER/train/person/*</c> and <c>FOLDER/test/person/*</c>. Images come in colour and in the size asked for, as photos do
/// (<see cref="ImageTransform"/>). Hidden files and folders are no data; the notes say how many there are, and how many files that are no images.
/// </remarks>
public static class FaceFolder
{
    /// <summary>The side that images are resized to: that of the networks for small images.</summary>
    public const int DefaultSide = 32;

    /// <summary>Reads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="identities">How many people, the first by name; 0 takes all.</param>
    /// <param name="side">Rows and columns of the images.</param>
    /// <exception cref="DataFormatException">No such folder, a person with a single image, or a damaged image: with its name and offset.</exception>
    /// <exception cref="UsageException">More people than there are.</exception>
    public static DataSet ReadFolder(string folder, int identities = 0, int side = DefaultSide)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(identities);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        return TryReadFolder(folder, identities, new PhotoOptions { Height = side, Width = side }) ?? throw new DataFormatException(
            folder, null, "has no faces: wants a folder for every person with .pgm or .ppm files in it, or train and test with such folders");
    }

    /// <summary>Whether file names say that faces lie here.</summary>
    internal static bool IsFolder(string folder) => People(Parted(folder) ? Path.Combine(folder, "train") : folder).Any();

    /// <summary>Null where the folder holds no faces.</summary>
    internal static DataSet? TryReadFolder(string folder, int identities, PhotoOptions photos)
    {
        if (!Directory.Exists(folder) || !IsFolder(folder))
            return null;
        var parted = Parted(folder);
        var people = People(parted ? Path.Combine(folder, "train") : folder).ToArray();
        if (people.Length < 2)
            throw new DataFormatException(folder, null, $"has images of {people.Length} person; wants two or more");
        if (identities > people.Length)
            throw new UsageException($"identities: got {identities}, {folder} has {people.Length}");
        if (identities > 0)
            people = people[..identities];
        var names = Array.ConvertAll(people, person => Path.GetFileName(person));
        // They are printed on terminals, and stand one a line in model files.
        if (Array.Find(names, name => name.Any(char.IsControl)) is { } strange)
            throw new DataFormatException(folder, null, $"the name of the folder '{string.Concat(strange.Select(c => char.IsControl(c) ? '?' : c))}' holds control characters; rename it");
        photos = photos with { Channels = 3 };
        var (height, width, size) = (photos.Height, photos.Width, photos.Height * photos.Width * 3);
        var (train, test) = (new ImageBuilder(size), new ImageBuilder(size));
        for (var label = 0; label < people.Length; label++)
        {
            var files = Images(people[label]);
            var others = parted ? Images(Path.Combine(folder, "test", names[label])) : [];
            if (!parted)
            {
                if (files.Length < 2)
                    throw new DataFormatException(people[label], null, "has one image; wants two or more, one of them to test with");
                var kept = files.Length - Math.Max(files.Length / 5, 1);
                (files, others) = (files[..kept], files[kept..]);
            }
            else if (others.Length == 0)
            {
                throw new DataFormatException(Path.Combine(folder, "test", names[label]), null, "has no images, but the training part has this person");
            }

            Add(train, files, label, photos);
            Add(test, others, label, photos);
        }

        return new DataSet("faces", train.Build("faces train", height, width, 3, names, Remarks(folder, parted)), test.Build("faces test", height, width, 3, names, []), Normalisation.Half)
        {
            Transform = photos.Transform,
        };
    }

    // What lies there and was not read: in the folder, its two parts, and the folders of people.
    private static IEnumerable<string> Remarks(string folder, bool parted)
    {
        var (hidden, others) = (0, new List<string>());
        string[] tops = parted ? [folder, Path.Combine(folder, "train"), Path.Combine(folder, "test")] : [folder];
        foreach (var place in tops.Concat(tops[(parted ? 1 : 0)..].SelectMany(HiddenEntries.Folders)))
        {
            hidden += HiddenEntries.Count(place);
            others.AddRange(HiddenEntries.Files(place).Where(file => !PnmReader.IsImage(file)));
        }

        return
        [
            .. HiddenEntries.Remark("faces", hidden),
            .. others.Count == 0 ? (string[])[] :
            [
                others.Count == 1
                    ? $"faces: 1 file that is not a PGM or PPM image was passed over ({Path.GetFileName(others[0])})"
                    : $"faces: {others.Count} files that are not PGM or PPM images were passed over (for example {Path.GetFileName(others.Order(StringComparer.Ordinal).First())})",
            ],
        ];
    }

    private static void Add(ImageBuilder images, string[] files, int label, PhotoOptions photos)
    {
        foreach (var file in files)
            PhotoReader.Fit(PnmReader.Read(file), photos, images.Add(label));
    }

    private static bool Parted(string folder) =>
        Directory.Exists(Path.Combine(folder, "train")) && Directory.Exists(Path.Combine(folder, "test"));

    private static IEnumerable<string> People(string folder) => Directory.Exists(folder)
        ? HiddenEntries.Folders(folder).Where(person => HiddenEntries.Files(person).Any(PnmReader.IsImage)).Order(NaturalOrder.Instance)
        : [];

    private static string[] Images(string folder) => Directory.Exists(folder)
        ? [.. HiddenEntries.Files(folder).Where(PnmReader.IsImage).Order(NaturalOrder.Instance)]
        : [];
}
