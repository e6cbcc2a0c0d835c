using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Lists folders of photos: a folder a class, or <c>train</c> and <c>test</c> (or <c>val</c>) with such folders.</summary>
/// <remarks>Classes and photos come in torchvision's order (<c>ImageFolder</c>), but hidden files and folders are no data.</remarks>
internal static class PhotoFolder
{
    private const string Set = "photos";

    private static readonly string[] TrainNames = ["train", "training"];

    // The first that has photos of the training part's classes is taken.
    private static readonly string[] TestNames = ["test", "testing", "val", "valid", "validation"];

    /// <summary>Whether two folders or more with photos lie here, or parts with such folders.</summary>
    public static bool IsFolder(string folder) => Directory.Exists(folder)
        && HiddenEntries.Folders(Part(folder, TrainNames) is { } train && HasTest(folder) ? train : folder).Where(inside => Holds(inside, 0)).Take(2).Count() == 2;

    /// <summary>What a folder lacks whose photos are not sorted into classes; null where it has none.</summary>
    public static string? WhatIsMissing(string folder)
    {
        if (HiddenEntries.Folders(folder).FirstOrDefault(inside => Holds(inside, 0)) is { } only)
            return $"has photos in one folder alone ('{Path.GetFileName(only)}'); wants two folders or more, one for each class";
        return HiddenEntries.Files(folder).Any(PhotoFormats.IsPhoto)
            ? "has photos that lie in no folder; wants a folder with photos for each class, or a table path,label (.csv) that names the class of each"
            : null;
    }

    /// <summary>Whether folders of faces hold photos of other formats too, which only this reader takes.</summary>
    public static bool HasOtherFormats(string folder) => HiddenEntries.Folders(folder)
        .SelectMany(inside => HiddenEntries.Folders(inside).Append(inside))
        .SelectMany(HiddenEntries.Files).Any(file => PhotoFormats.IsPhoto(file) && !PnmReader.IsImage(file));

    /// <summary>Lists the photos.</summary>
    /// <exception cref="DataFormatException">The test part has other classes, or a name cannot be used.</exception>
    public static PhotoList List(string folder, IImageDecoder? decoder)
    {
        var scan = new PhotoScan(Set, decoder);
        var trainFolder = HasTest(folder) ? Part(folder, TrainNames) : null;
        var train = scan.Classes(trainFolder ?? folder);
        if (train.Count < 2)
            throw new DataFormatException(trainFolder ?? folder, null, $"has {train.Count} folders with photos that are read; wants two or more, one for each class");
        string[] names = [.. train.Select(c => c.Name)];
        CheckNames(folder, names);
        var notes = new List<string>();
        List<PhotoFile>? test = null;
        if (trainFolder is not null)
        {
            scan.Count(folder, HiddenEntries.Files(folder));
            test = Test(folder, trainFolder, names, scan, notes);
        }

        return new PhotoList(Set, folder, names, Files(train, names), test, [.. notes, .. scan.Remarks()]);
    }

    /// <summary>Checks names that are printed on terminals and stand one a line in model files.</summary>
    /// <exception cref="DataFormatException">One holds control characters.</exception>
    public static void CheckNames(string source, IEnumerable<string> names)
    {
        if (names.FirstOrDefault(name => name.Any(char.IsControl)) is { } strange)
            throw new DataFormatException(source, null, $"the name of the class '{string.Concat(strange.Select(c => char.IsControl(c) ? '?' : c))}' holds control characters; rename it");
    }

    // The labelled part to test with, or null where there is none.
    private static List<PhotoFile>? Test(string folder, string trainFolder, string[] names, PhotoScan scan, List<string> notes)
    {
        List<PhotoFile>? test = null;
        foreach (var part in HiddenEntries.Folders(folder).Where(part => part != trainFolder).OrderBy(Rank).ThenBy(part => part, CodePointOrder.Instance))
        {
            var name = Path.GetFileName(part);
            var classes = scan.Classes(part);
            if (test is not null || Rank(part) == int.MaxValue || !classes.Exists(c => names.Contains(c.Name)))
            {
                if (classes.Sum(c => c.Photos.Length) is > 0 and var photos)
                    notes.Add($"{Set}: {photos} photos in '{name}' were passed over: {(test is not null ? "another part is the test set" : "it is no part to test with, or has no class of the training part")}");
                continue;
            }

            if (classes.Find(c => !names.Contains(c.Name)) is { Name: { } unknown })
                throw new DataFormatException(Path.Combine(part, unknown), null, $"is a class that the training part does not have; it has {string.Join(", ", names.Take(4))}{(names.Length > 4 ? ", ..." : "")}");
            test = Files(classes, names);
            if (names.Length - classes.Count is > 0 and var missing)
                notes.Add($"{Set}: {missing} of {names.Length} classes have no photos in '{name}' (for example {names.First(n => classes.TrueForAll(c => c.Name != n))})");
        }

        return test;
    }

    private static List<PhotoFile> Files(List<(string Name, string[] Photos)> classes, string[] names)
    {
        var files = new List<PhotoFile>();
        foreach (var (name, photos) in classes)
        {
            var label = Array.IndexOf(names, name);
            files.AddRange(photos.Select(photo => new PhotoFile(photo, label)));
        }

        return files;
    }

    private static bool HasTest(string folder) => Part(folder, TrainNames) is not null && Part(folder, TestNames) is not null;

    // The place of a folder's name among those of test parts.
    private static int Rank(string folder) =>
        Array.FindIndex(TestNames, name => name.Equals(Path.GetFileName(folder), StringComparison.OrdinalIgnoreCase)) is var rank and >= 0 ? rank : int.MaxValue;

    private static string? Part(string folder, string[] names) =>
        names.SelectMany(name => HiddenEntries.Folders(folder).Where(inside => Path.GetFileName(inside).Equals(name, StringComparison.OrdinalIgnoreCase))).FirstOrDefault();

    private static bool Holds(string folder, int depth) =>
        HiddenEntries.Files(folder).Any(PhotoFormats.IsPhoto) || (depth < 2 && HiddenEntries.Folders(folder).Any(inside => Holds(inside, depth + 1)));
}
