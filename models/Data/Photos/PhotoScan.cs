using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Finds the photos below folders, and counts what lies there and is none, or cannot be read: nothing is left out without a word.</summary>
/// <param name="set">What the remarks are about.</param>
/// <param name="decoder">Reads other formats than PGM and PPM, or null.</param>
internal sealed class PhotoScan(string set, IImageDecoder? decoder)
{
    // Links may form circles.
    private const int Deepest = 32;

    private readonly List<string> _others = [];
    private readonly List<string> _unread = [];
    private readonly List<string> _empty = [];
    private int _hidden;

    /// <summary>Files that belong to a layout without being photos, by their names.</summary>
    public Func<string, bool> Expected { get; init; } = _ => false;

    /// <summary>The photos of a folder and of those in it: by the folder's path, then by name, in the order of code points as torchvision's.</summary>
    /// <exception cref="DataFormatException">Folders are nested too deep, or the photos want a decoder and there is none.</exception>
    public string[] Photos(string folder)
    {
        var found = new List<(string Folder, string[] Names)>();
        Walk(folder, 0, found);
        return [.. found.OrderBy(f => f.Folder, CodePointOrder.Instance).SelectMany(f => f.Names.Select(name => Path.Combine(f.Folder, name)))];
    }

    /// <summary>The folders of classes in a folder with their photos, in the order of code points; one without photos is none.</summary>
    public List<(string Name, string[] Photos)> Classes(string folder)
    {
        var classes = new List<(string, string[])>();
        Count(folder, HiddenEntries.Files(folder));
        foreach (var inside in HiddenEntries.Folders(folder).OrderBy(inside => Path.GetFileName(inside)!, CodePointOrder.Instance))
        {
            if (Photos(inside) is { Length: > 0 } photos)
                classes.Add((Path.GetFileName(inside), photos));
            else
                _empty.Add(inside);
        }

        return classes;
    }

    /// <summary>Counts what a folder itself holds beside its classes.</summary>
    public void Count(string folder, IEnumerable<string> files)
    {
        _hidden += HiddenEntries.Count(folder);
        foreach (var file in files)
        {
            if (!Expected(file))
                (PhotoFormats.IsPhoto(file) ? _unread : _others).Add(file);
        }
    }

    /// <summary>What was not taken.</summary>
    public IEnumerable<string> Remarks() =>
    [
        .. HiddenEntries.Remark(set, _hidden),
        .. Remark(_others, "file that is no photo was", "files that are no photos were"),
        .. Remark(_unread, "photo of a format that is not read, or outside of the folders of classes, was", "photos of formats that are not read, or outside of the folders of classes, were"),
        .. Remark(_empty, "folder without photos was", "folders without photos were"),
    ];

    private void Walk(string folder, int depth, List<(string Folder, string[] Names)> found)
    {
        if (depth > Deepest)
            throw new DataFormatException(folder, null, $"folders are nested more than {Deepest} deep; does a link lead back to a folder around it?");
        _hidden += HiddenEntries.Count(folder);
        var names = new List<string>();
        foreach (var file in HiddenEntries.Files(folder))
        {
            if (PhotoFormats.IsRead(file, decoder))
                names.Add(Path.GetFileName(file));
            else if (PhotoFormats.IsPhoto(file) && decoder is null)
                throw PhotoReader.NoDecoder(file, $"a photo ({Path.GetExtension(file)})");
            else if (!Expected(file))
                (PhotoFormats.IsPhoto(file) ? _unread : _others).Add(file);
        }

        names.Sort(CodePointOrder.Instance);
        if (names.Count > 0)
            found.Add((folder, [.. names]));
        foreach (var inside in HiddenEntries.Folders(folder))
            Walk(inside, depth + 1, found);
    }

    private IEnumerable<string> Remark(List<string> paths, string one, string many) => paths.Count switch
    {
        0 => [],
        1 => [$"{set}: 1 {one} passed over ({Path.GetFileName(paths[0])})"],
        _ => [$"{set}: {paths.Count} {many} passed over (for example {Path.GetFileName(paths.Order(CodePointOrder.Instance).First())})"],
    };
}
