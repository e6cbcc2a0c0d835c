using System.Security.Cryptography;
using System.Text;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Compiled kernels on disk, shared by all processes of a user. Where the folder cannot be used there is no cache, and no error.</summary>
/// <remarks>
/// A file holds a mark, a SHA-256, and the machine code. The hash is of the entry's name and the code, so that a file that is damaged
/// counts as missing, and one that was put in another's place too; both are replaced. Files appear whole under their final name
/// (written beside it, then renamed), so processes need no lock: the worst that two can do is compile the same source twice.
/// </remarks>
/// <param name="folder">The folder, made when the first file is kept; null for no cache.</param>
/// <param name="problem">Why there is no cache though nobody asked for none; null otherwise.</param>
internal sealed class CubinCache(string? folder, string? problem = null)
{
    /// <summary>Names the folder of the cache; empty for none.</summary>
    public const string Variable = "ESC_CUDA_CACHE";

    private static readonly byte[] Mark = "escnative cubin 2\n"u8.ToArray();

    /// <summary>The folder, or null for no cache.</summary>
    public string? Folder { get; } = folder;

    /// <summary>Why there is no cache though nobody asked for none, in a few words; null otherwise.</summary>
    public string? Problem { get; } = problem;

    /// <summary>The cache in the user's cache folder, or where <see cref="Variable"/> says.</summary>
    public static CubinCache OfUser()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: 0 })
            return new CubinCache(null);
        var found = Environment.GetEnvironmentVariable(Variable) is { } named ? UserCache.In(named) : UserCache.Of("cubin");
        return new CubinCache(found.Folder, found.Problem);
    }

    /// <summary>The key of everything that determines a compilation: 64 hexadecimal digits.</summary>
    public static string Key(ReadOnlySpan<string> causes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var cause in causes)
        {
            var bytes = Encoding.UTF8.GetBytes(cause);
            // With its length, so that no two lists of causes run together to the same bytes.
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The file of an entry, or null for no cache.</summary>
    public string? PathOf(string family, string key) => Folder is null ? null : Path.Combine(Folder, $"{family}-{key}.cubin");

    /// <summary>The machine code, or null where there is none that is whole.</summary>
    public byte[]? Find(string family, string key)
    {
        if (PathOf(family, key) is not { } path)
            return null;
        try
        {
            var bytes = File.ReadAllBytes(path);
            var header = Mark.Length + SHA256.HashSizeInBytes;
            if (bytes.Length <= header || !bytes.AsSpan().StartsWith(Mark))
                return null;
            var image = bytes.AsSpan(header);
            return HashOf(family, key, image).AsSpan().SequenceEqual(bytes.AsSpan(Mark.Length, SHA256.HashSizeInBytes)) ? image.ToArray() : null;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps an entry where that is possible.</summary>
    public void Keep(string family, string key, ReadOnlySpan<byte> image)
    {
        if (PathOf(family, key) is not { } path)
            return;
        var partial = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(Folder!);
            File.WriteAllBytes(partial, [.. Mark, .. HashOf(family, key, image), .. image]);
            File.Move(partial, path, overwrite: true);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            // Only this run's compilation is lost. A full disk may have left a part.
            TryDelete(partial);
        }
    }

    private static byte[] HashOf(string family, string key, ReadOnlySpan<byte> image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{family}-{key}\n"));
        hash.AppendData(image);
        return hash.GetHashAndReset();
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            // It was never a finished file, and nothing reads it.
        }
    }
}
