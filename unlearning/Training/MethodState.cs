using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Unlearning.Training;

/// <summary>
/// What a method's run keeps in its checkpoint after an epoch: the model, the optimizer, counters, and the models of earlier epochs where
/// the method chooses among them.
/// </summary>
/// <remarks>Order, mirroring and labels are functions of seed and epoch, so there is no random state to save.</remarks>
internal sealed class MethodState(TrainingMethod method, UnlearningContext context, TrainingSetup setup, TrainingTask task, List<Classifier> epochs)
{
    private const string Model = "model.";
    private const string Optimizer = "optimizer.";
    private const string Counters = "counters";

    private readonly RunCheckpoint _checkpoint = new(
        context.CheckpointPath!, "unlearning", "an unlearning run", MethodIdentity.Of(method, context, setup.Parameters, setup.Original));

    public void Save(int epochsDone, double seconds)
    {
        var arrays = ModelFile.ToArrays(context.Model, Model);
        arrays.AddRange(OptimizerArrays.Of(task.Optimizer, Optimizer));
        arrays.Add(NamedArray.From(Counters, [task.Counters.Length], task.Counters));
        for (var i = 0; i < epochs.Count; i++)
            arrays.AddRange(ModelFile.ToArrays(epochs[i], OfEpoch(i)));
        _checkpoint.Save(arrays, new RunValues().Add("epochs", epochsDone).Add("steps", task.Optimizer.Steps).Add("seconds", seconds));
    }

    /// <summary>Puts the saved state into model, optimizer, counters and earlier epochs.</summary>
    /// <returns>How many epochs were done, and in how many seconds.</returns>
    /// <exception cref="DataFormatException">The file is no such checkpoint, damaged, or of another run.</exception>
    public (int Epochs, double Seconds) Load()
    {
        using var saved = _checkpoint.Open();
        var done = (int)saved.Whole("epochs", task.Epochs, $"the run has {task.Epochs}");
        var (steps, seconds) = (saved.Whole("steps"), saved.Seconds("seconds"));
        var counters = saved.Array(Counters, ArrayType.I64, task.Counters.Length);
        OptimizerArrays.Restore(task.Optimizer, saved.File, Optimizer, steps);
        ModelFile.FillFrom(context.Model, saved.File, Model);
        counters.ToInt64().CopyTo(task.Counters, 0);
        for (var i = 0; task.Choose is not null && i < done; i++)
        {
            epochs.Add(context.Model.Copy());
            ModelFile.FillFrom(epochs[i], saved.File, OfEpoch(i));
            epochs[i].Training = false;
        }

        return (done, seconds);
    }

    private static string OfEpoch(int epoch) => string.Create(CultureInfo.InvariantCulture, $"epoch.{epoch}.");
}
