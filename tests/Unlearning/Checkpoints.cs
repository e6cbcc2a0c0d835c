using EscNative.Engine.Formats;

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
        var metadata = new Dictionary<string, string>();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var (name, value) in file.Metadata)
                metadata[name] = value;
        }

        Assert.True(metadata.ContainsKey(key), $"{path} has no metadata {key}");
        metadata[key] = seconds;
        SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, metadata, force: true);
    }
}
