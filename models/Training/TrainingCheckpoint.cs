using System.Globalization;
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
        arrays.AddRange(OptimizerArrays.Of(optimizer, StatePrefix));
        var metadata = ModelMetadata.Describe(model, null);
        identity.Write(metadata, Prefix);
        metadata[Prefix + "steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture);
        metadata[Prefix + "history"] = string.Join('\n', history.Select(e => string.Create(
            CultureInfo.InvariantCulture, $"{e.Epoch} {e.Loss:R} {e.TrainAccuracy:R} {e.TestAccuracy:R} {e.Seconds:R}")));
        SafetensorsWriter.Write(path, arrays, metadata, force: true);
    }

    /// <param name="epochs">The epochs of the recipe.</param>
    /// <param name="batches">The steps of an epoch.</param>
    /// <exception cref="DataFormatException">The file is no checkpoint, damaged, or of another recipe.</exception>
    public IReadOnlyList<EpochRecord> Load(int epochs, int batches)
    {
        using var file = SafetensorsFile.Open(path);
        identity.Check(file, Prefix, "a training run");
        var history = Metadata(file, "history").Split('\n').Select(ParseEpoch).ToArray();
        if (history.Length > epochs)
            throw new DataFormatException(path, null, $"metadata {Prefix}history has {history.Length} epochs, the run has {epochs}");
        var steps = Metadata(file, "steps");
        if (!long.TryParse(steps, NumberStyles.None, CultureInfo.InvariantCulture, out var done) || done != (long)history.Length * batches)
            throw new DataFormatException(path, null, $"metadata {Prefix}steps is '{steps}', wants {(long)history.Length * batches}: {history.Length} epochs of {batches} steps");
        OptimizerArrays.Restore(optimizer, file, StatePrefix, done);
        ModelFile.Fill(model, RenamedSource.WithoutParallel(file), StatePrefix);
        return history;
    }

    private string Metadata(SafetensorsFile file, string key) => file.Metadata.TryGetValue(Prefix + key, out var value)
        ? value
        : throw new DataFormatException(path, null, $"lacks the metadata {Prefix}{key}");

    private EpochRecord ParseEpoch(string line, int epoch)
    {
        var fields = line.Split(' ');
        var values = new double[5];
        for (var i = 0; i < 5; i++)
        {
            // A test accuracy that was not measured is NaN; the number of the epoch is its place.
            if (fields.Length != 5 || !double.TryParse(fields[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i])
                || values[0] != epoch || double.IsInfinity(values[i]) || (double.IsNaN(values[i]) && i != 3) || (i == 4 && values[i] < 0))
            {
                throw new DataFormatException(path, null, $"metadata {Prefix}history holds '{line}', wants epoch {epoch} and its loss, two accuracies and seconds");
            }
        }

        return new EpochRecord(epoch, values[1], values[2], values[3], values[4]);
    }
}
