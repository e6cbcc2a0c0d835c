namespace EscNative.Models.Data;

/// <summary>Files and folders that systems and editors leave beside data: they are no data, and readers say how many they passed over.</summary>
internal static class HiddenEntries
{
    // What carries no dot, and no attribute on other systems than its own.
    private static readonly HashSet<string> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "lost+found",
    };

    /// <summary>Whether a file or folder is hidden itself; what its parents are called does not count.</summary>
    public static bool IsHidden(string path)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        return name.StartsWith('.') || Known.Contains(name)
            || (OperatingSystem.IsWindows() && (File.GetAttributes(path) & (FileAttributes.Hidden | FileAttributes.System)) != 0);
    }

    /// <summary>The files of a folder that are not hidden.</summary>
    public static string[] Files(string folder) => [.. Directory.GetFiles(folder).Where(file => !IsHidden(file))];

    /// <summary>The folders in a folder that are not hidden.</summary>
    public static string[] Folders(string folder) => [.. Directory.GetDirectories(folder).Where(inside => !IsHidden(inside))];

    /// <summary>How many files and folders of a folder are hidden; those inside a hidden folder do not count.</summary>
    public static int Count(string folder) => Directory.EnumerateFileSystemEntries(folder).Count(IsHidden);

    /// <summary>The remark about a number of them: none for 0.</summary>
    /// <param name="set">What the remark is about.</param>
    /// <param name="count">How many.</param>
    public static IEnumerable<string> Remark(string set, int count) => count switch
    {
        0 => [],
        1 => [$"{set}: 1 hidden file or folder was passed over"],
        _ => [$"{set}: {count} hidden files and folders were passed over"],
    };
}
