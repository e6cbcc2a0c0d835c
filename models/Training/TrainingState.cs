using EscNative.Engine.Formats;
using EscNative.Engine.Optimization;

namespace EscNative.Models;

/// <summary>What a training run keeps in its checkpoint after an epoch: the model, the optimizer and the history.</summary>
/// <remarks>Order and augmentation are functions of seed and epoch, so there is no random state to save.</remarks>
internal sealed class TrainingState(RunCheckpoint checkpoint, Classifier model, Optimizer optimizer)
{
    private const string Model = "model.";
    private const string State = "optimizer.";
    private const string History = "history";

    // Epoch, loss, training and test accuracy, seconds.
    private const int Columns = 5;

    public void Save(IReadOnlyList<EpochRecord> history)
    {
        var arrays = ModelFile.ToArrays(model, Model);
        arrays.AddRange(OptimizerArrays.Of(optimizer, State));
        arrays.Add(NamedArray.From(
            History, [history.Count, Columns], history.SelectMany(e => new[] { e.Epoch, e.Loss, e.TrainAccuracy, e.TestAccuracy, e.Seconds }).ToArray()));
        checkpoint.Save(arrays, new RunValues().Add("epochs", history.Count).Add("steps", optimizer.Steps));
    }

    /// <summary>Puts the saved state into model and optimizer.</summary>
    /// <param name="epochs">The epochs of the recipe.</param>
    /// <param name="batches">The steps of an epoch.</param>
    /// <exception cref="DataFormatException">The file is no such checkpoint, damaged, or of another run.</exception>
    public IReadOnlyList<EpochRecord> Load(int epochs, int batches)
    {
        using var saved = checkpoint.Open();
        var done = (int)saved.Whole("epochs", epochs, $"the run has {epochs}");
        var wanted = (long)done * batches;
        if (saved.Whole("steps") != wanted)
            throw saved.Refuse("steps", FormattableString.Invariant($"{wanted}: {done} epochs of {batches} steps"));
        var rows = saved.Array(History, ArrayType.F64, done, Columns).ToFloat64();
        var history = Enumerable.Range(0, done).Select(epoch => Epoch(saved, rows.AsSpan(epoch * Columns, Columns), epoch)).ToArray();
        OptimizerArrays.Restore(optimizer, saved.File, State, wanted);
        ModelFile.FillFrom(model, saved.File, Model);
        return history;
    }

    private static EpochRecord Epoch(SavedRun saved, ReadOnlySpan<double> row, int epoch)
    {
        // A test accuracy that was not measured is NaN; the number of the epoch is its place.
        return row[0] == epoch && double.IsFinite(row[1]) && double.IsFinite(row[2]) && !double.IsInfinity(row[3]) && double.IsFinite(row[4]) && row[4] >= 0
            ? new EpochRecord(epoch, row[1], row[2], row[3], row[4])
            : throw new DataFormatException(saved.File.Name, null, FormattableString.Invariant(
                $"array '{History}' holds {string.Join(", ", row.ToArray())} in row {epoch}, wants epoch {epoch} and its loss, two accuracies and seconds"));
    }
}
