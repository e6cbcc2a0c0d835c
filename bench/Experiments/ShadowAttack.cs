using EscNative.Bench.Output;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics;

namespace EscNative.Bench.Experiments;

/// <summary>U-LiRA on the methods of an experiment: models trained by the recipe of the one before the requests, each made to forget.</summary>
internal sealed class ShadowAttack(
    ModelDescription description, IReadOnlyDictionary<string, double> recipe, DataSet data, Device device, int shadows, string? folder, ulong seed)
{
    /// <summary>Adds the attack's rows to the methods that it applies to.</summary>
    /// <exception cref="UsageException">The model's file does not tell how it was trained.</exception>
    public ExperimentResult AddTo(
        ExperimentResult result, IReadOnlyList<IUnlearningMethod> methods, Func<IUnlearningMethod, UnlearningOptions> optionsOf, ProgressLine progress,
        CancellationToken cancel)
    {
        var training = Training();
        var attacked = new Dictionary<string, IReadOnlyList<MetricResult>>();
        var reasons = new List<string>();
        foreach (var method in methods)
        {
            var options = optionsOf(method);
            var relay = new Relay<double>(share => progress.Report("U-LiRA", share, method.Name));
            try
            {
                attacked[method.Name] = ULira.Run(
                    data, ULira.Shadow(description, training, () => MethodRegistry.Create(method.Name), options, device),
                    $"{method.Name} {string.Join(';', MethodParameters.Of(method, options).Values)} {options.Percent} {options.Directions} {options.Mode}, {training}",
                    new ULiraOptions { Shadows = shadows, Seed = seed, Folder = FolderOf(method.Name), Targets = Math.Min(ULiraOptions.Default.Targets, data.Train.Count / 5) },
                    relay, cancel).Rows;
            }
            catch (UsageException cause)
            {
                reasons.Add($"U-LiRA does not apply to {method.Name}: {cause.Message}");
            }
        }

        var rows = attacked.Values.FirstOrDefault() ?? throw new UsageException(string.Join("; ", reasons));
        return result with
        {
            Metrics = [.. result.Metrics, .. rows.Select(r => new MetricDefinition(r.Metric, r.Name, r.Unit, Requests.Results.Words(r.Direction), r.Ideal, r.Definition))],
            Methods =
            [
                .. result.Methods.Select(m => attacked.TryGetValue(m.Method, out var own)
                    ? m with { Metrics = [.. m.Metrics, .. own.Select(r => new StatisticResult(r.Metric, r.Name, r.Value ?? double.NaN, null, 1, r.Setting))] }
                    : m),
            ],
        };
    }

    private TrainOptions Training()
    {
        if (!recipe.TryGetValue("epochs", out var epochs))
            throw new UsageException("--shadows: the model's file does not tell how it was trained, so no model like it can be trained; use one that escnative train made");
        return new TrainOptions
        {
            Epochs = (int)epochs,
            BatchSize = (int)recipe["batch"],
            LearningRate = recipe["learning-rate"],
            WeightDecay = recipe["weight-decay"],
            CropPadding = (int)recipe["crop"],
        };
    }

    private string? FolderOf(string method)
    {
        if (folder is null)
            return null;
        var own = Path.Combine(folder, "ulira-" + method);
        AtomicFile.CreateFolder(own);
        return own;
    }
}
