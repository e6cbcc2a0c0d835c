using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Tests.Unlearning;

internal static class Checkpoints
{
    /// <summary>What no run can have taken.</summary>
    public static readonly string[] NoSeconds = ["NaN", "Infinity", "-1", "soon", ""];

    /// <summary>Makes a checkpoint say that the runs before took an hour, or something else.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <param name="key">The metadata that holds their seconds.</param>
    /// <param name="seconds">What it is to say.</param>
    public static void SaySeconds(string path, string key, string seconds = "3600")
    {
        Change(path, metadata =>
        {
            Assert.True(metadata.ContainsKey(key), $"{path} has no metadata {key}");
            metadata[key] = seconds;
        });
    }

    /// <summary>Changes what a checkpoint says, with a checksum that is right: what stands behind it is to be reached.</summary>
    public static void Change(string path, Action<IDictionary<string, string>> metadata, Func<IReadOnlyList<NamedArray>, IReadOnlyList<NamedArray>>? arrays = null)
    {
        SortedDictionary<string, string> texts;
        using (var file = SafetensorsFile.Open(path))
            texts = new SortedDictionary<string, string>(file.Metadata.ToDictionary(), StringComparer.Ordinal);
        metadata(texts);
        NamedArray[] values = [.. SafetensorsFile.ReadAll(path).Values];
        RunCheckpoint.Write(path, arrays?.Invoke(values) ?? values, texts);
    }
}
