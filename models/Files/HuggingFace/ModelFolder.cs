using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>Models that are given as a folder, as Hugging Face keeps them: weights, <c>config.json</c>, <c>preprocessor_config.json</c>.</summary>
public static class ModelFolder
{
    private const string Index = ".index.json";

    // In the order in which they are taken: where both are, they hold the same.
    private static readonly string[] Names = ["model.safetensors", "pytorch_model.bin"];

    /// <summary>The file of weights in a folder, or the index of those that are cut into several; of a path that is no folder, itself.</summary>
    /// <param name="path">A folder or a file.</param>
    /// <exception cref="DataFormatException">The folder holds no weights.</exception>
    public static string FileOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!Directory.Exists(path))
            return path;
        foreach (var name in Names)
        {
            if (File.Exists(Path.Combine(path, name)))
                return Path.Combine(path, name);
        }

        foreach (var name in Names)
        {
            if (File.Exists(Path.Combine(path, name + Index)))
                return Path.Combine(path, name + Index);
        }

        throw new DataFormatException(path, null, $"is a folder without {string.Join(" and ", Names)}: give a file of weights, or a folder as Hugging Face keeps them");
    }
}
