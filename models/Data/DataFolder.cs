using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Opens image data wherever a user points: finds out what a folder or an archive holds.</summary>
public static class DataFolder
{
    private const string Wanted =
        "looked for CIFAR-10 (data_batch_*.bin, test_batch.bin), CIFAR-100 (train*.bin, test*.bin), IDX such as MNIST "
        + "(train-images-idx3-ubyte, train-labels-..., t10k-..., plain or .gz); an archive may be cifar-10-binary.tar.gz or "
        + "cifar-100-binary.tar.gz; faces (a folder a person with .pgm or .ppm images); a Lacuna-10 manifest (lacuna10.json); photos (a folder "
        + "a class, or train and test with such folders), Tiny-ImageNet (wnids.txt), a table path,label,subject (.csv, or labels.csv in the folder); "
        + "'embedded' needs no files";

    /// <summary>Opens a data set.</summary>
    /// <param name="path">A folder (or the folder around it), an official CIFAR archive, or <c>embedded</c>.</param>
    /// <param name="level">Which label of CIFAR-100 is the class.</param>
    /// <param name="identities">Of faces, how many people, the first by name; 0 takes all.</param>
    /// <exception cref="UsageException">A number of people for images that are no faces, or more than there are.</exception>
    /// <exception cref="DataFormatException">Nothing there that can be read; the message lists the layouts that were looked for,
    /// or names the damaged file and the offset.</exception>
    public static DataSet Open(string path, LabelLevel level = LabelLevel.Fine, int identities = 0) => Open(path, new PhotoOptions(), level, identities);

    /// <summary>Opens a data set; photos and faces come in the size of the options.</summary>
    /// <param name="path">A folder (or the folder around it), an archive, a table of photos (.csv), or <c>embedded</c>.</param>
    /// <param name="photos">How photos are read; what is stored in one size keeps it.</param>
    /// <param name="level">Which label of CIFAR-100 is the class.</param>
    /// <param name="identities">Of faces and photos, how many people or classes, the first by name; 0 takes all.</param>
    /// <exception cref="UsageException">A number of people for images that are no faces, or more than there are; options that make no sense.</exception>
    /// <exception cref="DataFormatException">Nothing there that can be read; the message lists the layouts that were looked for,
    /// or names the damaged file and the offset.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static DataSet Open(string path, PhotoOptions photos, LabelLevel level = LabelLevel.Fine, int identities = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(photos);
        ArgumentOutOfRangeException.ThrowIfNegative(identities);
        photos.Validate();
        var data = Find(path, photos, level, identities);
        return identities == 0 || data.ClassNames.Count == identities
            ? data
            : throw new UsageException($"identities: {path} holds {data.Name}, whose classes are not chosen by number; leave it out");
    }

    /// <summary>Whether a file's name is one of those that make up a data set in a folder.</summary>
    /// <param name="file">The file.</param>
    internal static bool IsDataFile(string file) =>
        Path.GetFileName(file) is var name
        && (name == LacunaManifest.FileName || PhotoFormats.IsPhoto(name) || name == PhotoTable.FileName || TinyImageNet.IsText(name) || IdxReader.IsIdx(name) || CifarReader.IsPart(name));

    private static DataSet Find(string path, PhotoOptions photos, LabelLevel level, int identities)
    {
        if (path == EmbeddedData.Name)
            return EmbeddedData.Open();
        if (File.Exists(path))
            return OpenFile(path, photos, level, identities);
        if (!Directory.Exists(path))
            throw new DataFormatException(path, null, $"neither a file nor a folder; {Wanted}");
        try
        {
            if (TryOpenFolder(path, photos, level, identities) is { } data)
                return data;
            // An archive unpacked by hand leaves its own folder inside.
            var inside = HiddenEntries.Folders(path).Order(StringComparer.Ordinal).Where(Holds).ToArray();
            if (inside.Length == 1 && TryOpenFolder(inside[0], photos, level, identities, path) is { } deeper)
                return deeper;
            if (inside.Length > 1)
                throw new DataFormatException(path, null, $"holds several data sets: {string.Join(", ", inside.Select(Path.GetFileName))}; name one of them");
        }
        catch (Exception cause) when (cause is UnauthorizedAccessException or IOException)
        {
            throw new DataFormatException(path, null, $"cannot be listed: {cause.Message}", cause);
        }

        throw new DataFormatException(path, null, LacunaManifest.IsVggFace(path)
            ? "looks like VGGFace2: draw Lacuna-10 from it first (escnative manifest --data FOLDER)"
            : PhotoFolder.WhatIsMissing(path) ?? $"no data set in this folder; {Wanted}");
    }

    private static DataSet? TryOpenFolder(string folder, PhotoOptions photos, LabelLevel level, int identities, string? named = null)
    {
        var manifest = Path.Combine(folder, LacunaManifest.FileName);
        if (File.Exists(manifest))
            return LacunaManifest.Open(manifest, photos);
        return CifarReader.TryReadFolder(folder, level) ?? IdxReader.TryReadFolder(folder, named)
            ?? (FaceFolder.IsFolder(folder) && !PhotoFolder.HasOtherFormats(folder) ? FaceFolder.TryReadFolder(folder, identities, photos) : null)
            ?? (ListPhotos(folder, photos) is { } list ? PhotoSets.Open(list, photos, identities) : null);
    }

    private static PhotoList? ListPhotos(string folder, PhotoOptions photos)
    {
        if (Path.Combine(folder, PhotoTable.FileName) is var table && File.Exists(table))
            return PhotoTable.List(table);
        if (TinyImageNet.IsFolder(folder))
            return TinyImageNet.List(folder, photos.Decoder);
        // Who cannot read the photos of VGGFace2 is told what to do with them instead.
        return PhotoFolder.IsFolder(folder) && !(photos.Decoder is null && LacunaManifest.IsVggFace(folder)) ? PhotoFolder.List(folder, photos.Decoder) : null;
    }

    // By names alone, so that no large set is read to find out that there is another one.
    private static bool Holds(string folder) =>
        File.Exists(Path.Combine(folder, LacunaManifest.FileName)) || CifarReader.IsFolder(folder) || IdxReader.IsFolder(folder) || FaceFolder.IsFolder(folder)
        || File.Exists(Path.Combine(folder, PhotoTable.FileName)) || TinyImageNet.IsFolder(folder) || PhotoFolder.IsFolder(folder);

    private static DataSet OpenFile(string path, PhotoOptions photos, LabelLevel level, int identities)
    {
        if (Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase))
            return LacunaManifest.Open(path, photos);
        if (PhotoTable.IsTable(path))
            return PhotoSets.Open(PhotoTable.List(path), photos, identities);
        using (var stream = InputFile.Open(path))
        {
            Span<byte> start = stackalloc byte[2];
            if (InputFile.ReadUpTo(stream, start, path, 0) < 2 || start[0] != 0x1f || start[1] != 0x8b)
                throw new DataFormatException(path, 0, $"a file that is not gzipped; {Wanted}");
        }

        return CifarReader.ReadArchive(path, level);
    }
}
