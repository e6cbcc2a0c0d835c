namespace EscNative.Kernels;

/// <summary>The folder of one of this program's caches, or why there is none: one rule for all of them.</summary>
/// <remarks>
/// Linux: <c>$XDG_CACHE_HOME/escnative/NAME</c>, else <c>$HOME/.cache/escnative/NAME</c>; macOS: <c>~/Library/Caches</c> in place of
/// <c>~/.cache</c>; Windows: the local application data. A relative <c>XDG_CACHE_HOME</c> is ignored, as the XDG Base Directory
/// Specification demands. Without a home, or where the folder cannot be written, there is no cache: never one in the working folder.
/// </remarks>
internal sealed record UserCache
{
    private UserCache(string? folder, string? problem)
    {
        Folder = folder;
        Problem = problem;
    }

    /// <summary>The folder, which is there and can be written; null for no cache.</summary>
    public string? Folder { get; }

    /// <summary>Why there is no cache, in a few words; null where there is one.</summary>
    public string? Problem { get; }

    /// <summary>The cache of a name in the user's cache folder.</summary>
    public static UserCache Of(string name) => Of(
        name, Environment.GetEnvironmentVariable,
        OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) : null, OperatingSystem.IsMacOS());

    /// <summary>The same for an environment.</summary>
    /// <param name="name">As <c>models</c>.</param>
    /// <param name="environment">The value of a variable, or null.</param>
    /// <param name="applicationData">Windows' folder for local application data; null elsewhere.</param>
    /// <param name="mac">Whether the folder is to be macOS'.</param>
    public static UserCache Of(string name, Func<string, string?> environment, string? applicationData = null, bool mac = false)
    {
        if (applicationData is not null)
        {
            return Path.IsPathFullyQualified(applicationData)
                ? In(Path.Combine(applicationData, "escnative", name))
                : new UserCache(null, "this account has no folder for local application data");
        }

        // Relative to what? The specification wants such a value ignored.
        if (environment("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathFullyQualified(cache))
            return In(Path.Combine(cache, "escnative", name));
        if (environment("HOME") is not { Length: > 0 } home)
            return new UserCache(null, "HOME is not set");
        if (!Path.IsPathFullyQualified(home))
            return new UserCache(null, $"HOME ({home}) is not an absolute path");
        // A home that is not there is not ours to make.
        return Directory.Exists(home)
            ? In(Path.Combine(home, mac ? "Library/Caches" : ".cache", "escnative", name))
            : new UserCache(null, $"HOME ({home}) does not exist");
    }

    /// <summary>A cache in a folder, which is made where it is missing.</summary>
    /// <param name="folder">The folder; relative to the working folder if a user named it so.</param>
    public static UserCache In(string folder)
    {
        try
        {
            folder = Path.GetFullPath(folder);
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new UserCache(null, $"{folder} cannot be made: {unusable.Message}");
        }

        try
        {
            new FileStream(
                Path.Combine(folder, $".{Guid.NewGuid():N}.probe"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return new UserCache(folder, null);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            return new UserCache(null, $"{folder} cannot be written");
        }
    }
}
