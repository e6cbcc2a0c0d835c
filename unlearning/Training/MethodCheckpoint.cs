using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Unlearning.Training;

/// <summary>
/// The state of a method's run after an epoch in one safetensors file: the model, the optimizer, counters, the models of earlier epochs
/// where the method chooses among them, and what the run is, so that no other is taken up by mistake.
/// </summary>
/// <remarks>Order, mirroring and labels are functions of seed and epoch, so there is no random state to save.</remarks>
internal sealed class MethodCheckpoint(TrainingMethod method, UnlearningContext context, TrainingSetup setup, TrainingTask task, List<Classifier> epochs)
{
    private const string Prefix = "escnative.unlearning.";
    private const string Model = "model.";
    private const string Optimizer = "optimizer.";
    private const string Counters = "counters";

    private readonly string _path = context.CheckpointPath!;
    private readonly RunIdentity _run = MethodIdentity.Of(method, context, setup.Parameters, setup.Original);

    public void Save(int epochsDone, double seconds)
    {
        var arrays = Named(Model, context.Model).ToList();
        arrays.AddRange(OptimizerArrays.Of(task.Optimizer, Optimizer));
        arrays.Add(NamedArray.From(Counters, [task.Counters.Length], task.Counters));
        for (var i = 0; i < epochs.Count; i++)
            arrays.AddRange(Named(OfEpoch(i), epochs[i]));
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Prefix + "epochs"] = Text(epochsDone),
            [Prefix + "steps"] = Text(task.Optimizer.Steps),
            [Prefix + "seconds"] = CheckpointSeconds.Text(seconds),
        };
        _run.Write(metadata, Prefix);
        SafetensorsWriter.Write(_path, arrays, metadata, force: true);
    }

    /// <summary>Puts the saved state into model, optimizer, counters and earlier epochs.</summary>
    /// <returns>How many epochs were done, and in how many seconds.</returns>
    /// <exception cref="DataFormatException">The file is no such checkpoint, or of another run.</exception>
    public (int Epochs, double Seconds) Load()
    {
        using var file = SafetensorsFile.Open(_path);
        _run.Check(file, Prefix, "an unlearning run");
        var (done, steps) = (Number(file, "epochs"), Number(file, "steps"));
        var seconds = CheckpointSeconds.Read(file, _path, Prefix + "seconds");
        if (done > task.Epochs)
            throw new DataFormatException(_path, null, $"metadata {Prefix}epochs is '{done}', the run has {task.Epochs}");
        var counters = file.Read(Counters);
        if (counters.Type != ArrayType.I64 || counters.Count != task.Counters.Length)
            throw new DataFormatException(_path, null, $"array {Counters} has {counters.Count} values of {counters.Type}, {method.Name} wants {task.Counters.Length} of I64");
        OptimizerArrays.Restore(task.Optimizer, file, Optimizer, steps);
        ModelFile.FillFrom(context.Model, file, Model);
        counters.ToInt64().CopyTo(task.Counters, 0);
        for (var i = 0; task.Choose is not null && i < done; i++)
        {
            epochs.Add(context.Model.Copy());
            ModelFile.FillFrom(epochs[i], file, OfEpoch(i));
            epochs[i].Training = false;
        }

        return ((int)done, seconds);
    }

    private static IEnumerable<NamedArray> Named(string prefix, Classifier model) =>
        ModelFile.ToArrays(model).Select(a => new NamedArray(prefix + a.Name, a.Type, a.Shape, a.Data));

    private static string OfEpoch(int epoch) => $"epoch.{Text(epoch)}.";

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private long Number(SafetensorsFile file, string key) =>
        file.Metadata.TryGetValue(Prefix + key, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new DataFormatException(_path, null, $"metadata {Prefix}{key} is '{text}', wants a number");
}
