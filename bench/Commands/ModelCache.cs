using System.Security.Cryptography;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Bench.Commands;

/// <summary>Models that this program trained itself, kept between runs.</summary>
/// <remarks>
/// The name of an entry is a hash of everything that determines the model. The hash of its content stands in the file's name
/// too, so that a damaged file is never taken for a model.
/// </remarks>
internal sealed class ModelCache
{
    private const string Extension = ".safetensors";

    /// <summary>A cache in a folder, which is made when it is missing.</summary>
    /// <param name="folder">The folder; by default one in the user's cache folder.</param>
    public ModelCache(string? folder)
    {
        Folder = folder ?? Path.Combine(UserCache(), "escnative", "models");
        try
        {
            Directory.CreateDirectory(Folder);
            AtomicFile.Check(Path.Combine(Folder, "probe" + Extension), force: true);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or OutputException or ArgumentException)
        {
            Problem = cause.Message;
        }
    }

    /// <summary>Where the models lie.</summary>
    public string Folder { get; }

    /// <summary>Why nothing can be kept, or null.</summary>
    public string? Problem { get; }

    /// <summary>The name of the entry for what determines a model.</summary>
    public static string Key(params ReadOnlySpan<string> causes)
    {
        var text = new StringBuilder();
        foreach (var cause in causes)
            text.Append(cause.Length).Append(':').Append(cause);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..16];
    }

    /// <summary>The file of an entry.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="damaged">Set to the file that is there but was changed since it was written.</param>
    /// <returns>The path, or null where there is no good one.</returns>
    public string? Find(string key, out string? damaged)
    {
        damaged = null;
        if (Problem is not null)
            return null;
        foreach (var path in Directory.GetFiles(Folder, $"{key}-*{Extension}").Order(StringComparer.Ordinal))
        {
            if (Path.GetFileNameWithoutExtension(path) == $"{key}-{HashOf(path)[..16]}")
                return path;
            damaged = path;
        }

        return null;
    }

    /// <summary>Keeps a file as an entry; older files of the same entry are removed.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="write">Writes the file under the path that it is given.</param>
    /// <returns>Where it lies.</returns>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public string Keep(string key, Action<string> write)
    {
        var partial = Path.Combine(Folder, $"{key}.{Guid.NewGuid():N}.partial");
        TemporaryFiles.Add(partial);
        try
        {
            write(partial);
            var path = Path.Combine(Folder, $"{key}-{HashOf(partial)[..16]}{Extension}");
            File.Move(partial, path, overwrite: true);
            foreach (var old in Directory.GetFiles(Folder, $"{key}-*{Extension}").Where(old => old != path))
                File.Delete(old);
            return path;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"cannot keep the model in {Folder}: {cause.Message}", cause);
        }
        finally
        {
            File.Delete(partial);
            TemporaryFiles.Forget(partial);
        }
    }

    /// <summary>SHA-256 of a file, lower-case hexadecimal.</summary>
    public static string HashOf(string path)
    {
        using var stream = InputFile.Open(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string UserCache()
    {
        if (OperatingSystem.IsWindows())
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache)
            return cache;
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
    }
}
