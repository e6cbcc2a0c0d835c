using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Masks;

/// <summary>The state of a mask's training in a safetensors file.</summary>
/// <param name="path">The file; each epoch replaces it.</param>
/// <param name="run">What must be equal for a checkpoint to be of this run.</param>
/// <param name="dimension">d: M is [d, d].</param>
internal sealed class MaskCheckpoint(string path, RunIdentity run, int dimension)
{
    private const string Prefix = "escnative.mask.";

    /// <param name="state">The state.</param>
    /// <param name="seconds">How long it took.</param>
    public void Save(MaskState state, double seconds)
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Prefix + "epochs"] = state.Epochs.ToString(CultureInfo.InvariantCulture),
            [Prefix + "updates"] = state.Updates.ToString(CultureInfo.InvariantCulture),
            [Prefix + "hits"] = state.Hits.ToString(CultureInfo.InvariantCulture),
            [Prefix + "seconds"] = CheckpointSeconds.Text(seconds),
        };
        run.Write(metadata, Prefix);
        SafetensorsWriter.Write(path, [NamedArray.From("mask", [dimension, dimension], state.Mask)], metadata, force: true);
    }

    /// <param name="mostEpochs">How many epochs are asked for.</param>
    /// <returns>The state, and how many seconds it took.</returns>
    /// <exception cref="DataFormatException">The file is no such checkpoint, one of another run, or has more epochs behind it.</exception>
    public (MaskState State, double Seconds) Load(int mostEpochs)
    {
        using var file = SafetensorsFile.Open(path);
        run.Check(file, Prefix, "ESC-T");
        var mask = file.Read("mask");
        if (mask.Count != (long)dimension * dimension)
            throw new DataFormatException(path, null, $"has a mask of {mask.Count} values, wants {dimension} x {dimension}");
        var values = mask.ToFloat32();
        if (Array.FindIndex(values, v => v is not (>= 0 and <= 1)) is >= 0 and var bad)
            throw new DataFormatException(path, null, FormattableString.Invariant($"holds {values[bad]} at value {bad} of the mask, wants 0 to 1: the run diverged, or the file is damaged"));
        var state = new MaskState(values, Number("epochs"), Number("updates"), Number("hits"));
        return state.Epochs <= mostEpochs
            ? (state, CheckpointSeconds.Read(file, path, Prefix + "seconds"))
            : throw new DataFormatException(path, null, $"has {state.Epochs} epochs behind it, more than the {mostEpochs} that are asked for: set epochs to that or more, or begin anew");

        int Number(string key) =>
            file.Metadata.TryGetValue(Prefix + key, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new DataFormatException(path, null, $"metadata {Prefix}{key} is '{text}', wants a whole number");
    }
}
