using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Unlearning.Training;

/// <summary>The wall seconds of the runs so far, in the metadata of a checkpoint: a resumed run counts them.</summary>
internal static class CheckpointSeconds
{
    /// <summary>The metadata's value.</summary>
    public static string Text(double seconds) => seconds.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Reads it back.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="path">Its path, for the message.</param>
    /// <param name="key">The metadata's key.</param>
    /// <exception cref="DataFormatException">It is missing or no time.</exception>
    public static double Read(SafetensorsFile file, string path, string key) =>
        file.Metadata.TryGetValue(key, out var text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
        && double.IsFinite(seconds) && seconds >= 0
            ? seconds
            : throw new DataFormatException(path, null, $"metadata {key} is '{text}', wants seconds, 0 or more");
}
