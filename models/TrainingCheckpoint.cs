using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Optimization;

namespace EscNative.Models;

/// <summary>The state of a training run after an epoch: the model, the optimizer and the history, in one safetensors file.</summary>
/// <remarks>Order and augmentation are functions of seed and epoch, so there is no random state to save.</remarks>
internal sealed class TrainingCheckpoint(string path, Classifier model, Optimizer optimizer, RunIdentity identity)
{
    private const string Prefix = "escnative.training.";
    private const string StatePrefix = "optimizer.";

    public void Save(IReadOnlyList<EpochRecord> history)
    {
        var arrays = ModelFile.ToArrays(model);
        for (var i = 0; i < optimizer.State.Count; i++)
            arrays.Add(optimizer.State[i].ToNamedArray(StatePrefix + i.ToString(CultureInfo.InvariantCulture)));
        var metadata = ModelFile.Describe(model, null);
        identity.Write(metadata, Prefix);
        metadata[Prefix + "steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture);
        metadata[Prefix + "history"] = string.Join('\n', history.Select(e => string.Create(
            CultureInfo.InvariantCulture, $"{e.Epoch} {e.Loss:R} {e.TrainAccuracy:R} {e.TestAccuracy:R} {e.Seconds:R}")));
        SafetensorsWriter.Write(path, arrays, metadata, force: true);
    }

    /// <exception cref="DataFormatException">The file is no checkpoint, or of another recipe.</exception>
    public IReadOnlyList<EpochRecord> Load()
    {
        using var file = SafetensorsFile.Open(path);
        identity.Check(file, Prefix, "a training run");
        var history = Metadata(file, "history").Split('\n').Select(ParseEpoch).ToArray();
        if (!long.TryParse(Metadata(file, "steps"), NumberStyles.None, CultureInfo.InvariantCulture, out var steps))
            throw new DataFormatException(path, null, $"metadata {Prefix}steps is '{Metadata(file, "steps")}', wants a number");
        ModelFile.Fill(model, file, StatePrefix);
        using var scope = Tensor.Scope();
        var state = optimizer.State.Select((_, i) => file.Read(StatePrefix + i.ToString(CultureInfo.InvariantCulture)).ToTensor(model.Device)).ToArray();
        optimizer.Restore(steps, state);
        return history;
    }

    private string Metadata(SafetensorsFile file, string key) => file.Metadata.TryGetValue(Prefix + key, out var value)
        ? value
        : throw new DataFormatException(path, null, $"lacks the metadata {Prefix}{key}");

    private EpochRecord ParseEpoch(string line)
    {
        var fields = line.Split(' ');
        var values = new double[5];
        for (var i = 0; i < 5; i++)
        {
            if (fields.Length != 5 || !double.TryParse(fields[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]))
                throw new DataFormatException(path, null, $"metadata {Prefix}history holds '{line}', wants five numbers");
        }

        return new EpochRecord((int)values[0], values[1], values[2], values[3], values[4]);
    }
}
