using EscNative.Engine.Formats;

namespace EscNative.Tests.Unlearning;

internal static class Checkpoints
{
    /// <summary>Makes a checkpoint say that the runs before took an hour.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <param name="key">The metadata that holds their seconds.</param>
    public static void SayAnHour(string path, string key)
    {
        var metadata = new Dictionary<string, string>();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var (name, value) in file.Metadata)
                metadata[name] = value;
        }

        Assert.True(metadata.ContainsKey(key), $"{path} has no metadata {key}");
        metadata[key] = "3600";
        SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, metadata, force: true);
    }
}
