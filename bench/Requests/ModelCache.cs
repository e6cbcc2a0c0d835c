using System.Security.Cryptography;
using System.Text;
using EscNative.Engine.Formats;
using EscNative.Kernels;

namespace EscNative.Bench.Requests;

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
        var found = folder is null ? UserCache.Of("models") : UserCache.In(folder);
        Folder = found.Folder;
        Problem = found.Problem;
    }

    /// <summary>Where the models lie, or null where nothing can be kept.</summary>
    public string? Folder { get; }

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
    /// <param name="damaged">Set to the file that is there but was changed since it was written, or cannot be read.</param>
    /// <returns>The path, or null where there is no good one. Another process may replace the file: see <see cref="Take"/>.</returns>
    public string? Find(string key, out string? damaged)
    {
        damaged = null;
        foreach (var path in Entries(key))
        {
            try
            {
                if (IsWhole(key, path, path))
                    return path;
                damaged = path;
            }
            catch (Exception gone) when (IsGone(gone))
            {
                // Replaced by another process since it was listed, or nothing that can be read.
                if (Path.Exists(path))
                    damaged = path;
            }
        }

        return null;
    }

    /// <summary>Copies an entry, so that no other process can take it away while it is used.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="target">Where the copy goes; what is there is replaced.</param>
    /// <param name="damaged">Set to the file that is there but was changed since it was written, or cannot be read.</param>
    /// <returns>Whether the target is the entry, whole.</returns>
    public bool Take(string key, string target, out string? damaged)
    {
        // A file that is replaced in between is looked for once more.
        for (var attempt = 0; attempt < 3 && Find(key, out damaged) is { } path; attempt++)
        {
            try
            {
                File.Copy(path, target, overwrite: true);
                if (IsWhole(key, path, target))
                    return true;
            }
            catch (Exception gone) when (IsGone(gone))
            {
            }
        }

        Find(key, out damaged);
        return false;
    }

    /// <summary>Keeps a file as an entry; older files of the same entry are removed.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="write">Writes the file under the path that it is given.</param>
    /// <returns>Where it lies.</returns>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public string Keep(string key, Action<string> write)
    {
        if (Folder is null)
            throw new OutputException($"cannot keep the model: {Problem}");
        var partial = Path.Combine(Folder, $"{key}.{Guid.NewGuid():N}.partial");
        TemporaryFiles.Add(partial);
        try
        {
            write(partial);
            var path = Path.Combine(Folder, $"{key}-{HashOf(partial)[..16]}{Extension}");
            Place(partial, path);
            foreach (var old in Entries(key).Where(old => old != path))
                TryDelete(old);
            // Two processes that keep the same entry may each have taken the other's for an old one.
            if (!File.Exists(path))
                Place(partial, path);
            return path;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"cannot keep the model in {Folder}: {cause.Message}", cause);
        }
        finally
        {
            TryDelete(partial);
            TemporaryFiles.Forget(partial);
        }
    }

    /// <summary>SHA-256 of a file, lower-case hexadecimal; of the index of weights that are cut into several files, of it and them.</summary>
    public static string HashOf(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        foreach (var part in ArrayFile.FilesOf(path))
        {
            using var stream = InputFile.Open(part);
            for (var at = 0L; InputFile.ReadUpTo(stream, buffer, part, at) is > 0 and var count; at += count)
                hash.AppendData(buffer, 0, count);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private string[] Entries(string key)
    {
        try
        {
            return Folder is null ? [] : [.. Directory.GetFiles(Folder, $"{key}-*{Extension}").Order(StringComparer.Ordinal)];
        }
        catch (Exception gone) when (IsGone(gone))
        {
            return [];
        }
    }

    // The hash of the content stands in the entry's name.
    private static bool IsWhole(string key, string entry, string content) => Path.GetFileNameWithoutExtension(entry) == $"{key}-{HashOf(content)[..16]}";

    private static void Place(string partial, string path)
    {
        var copy = Path.ChangeExtension(partial, $".{Guid.NewGuid():N}.partial");
        try
        {
            TemporaryFiles.Add(copy);
            File.Copy(partial, copy);
            File.Move(copy, path, overwrite: true);
        }
        finally
        {
            TryDelete(copy);
            TemporaryFiles.Forget(copy);
        }
    }

    private static bool IsGone(Exception failure) => failure is IOException or UnauthorizedAccessException or EscException;

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (IsGone(failure))
        {
            // Another process was quicker, or holds it; it is no whole entry or an old one, and nobody needs it.
        }
    }
}
