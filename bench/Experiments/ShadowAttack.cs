using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;

namespace EscNative.Bench.Experiments;

/// <summary>U-LiRA on the methods of an experiment: models trained by the recipe of the one before the requests, each made to forget.</summary>
/// <exception cref="UsageException">The model's file does not tell how it was trained.</exception>
internal sealed class ShadowAttack(
    ModelDescription description, IReadOnlyDictionary<string, double> recipe, DataSet data, Device device, int shadows, string? folder, ulong seed)
{
    private readonly TrainOptions _training = Training(recipe);

    /// <summary>Tells before anything long begins which methods the attack does not apply to, and why.</summary>
    /// <exception cref="UsageException">The attack applies to none of the methods.</exception>
    public string[] WhyNotApplicable(IReadOnlyList<IUnlearningMethod> methods, Func<IUnlearningMethod, UnlearningOptions> optionsOf)
    {
        string[] reasons = [.. methods.Select(m => (m.Name, Why: WhyNotApplicable(m, optionsOf(m)))).Where(m => m.Why is not null).Select(m => $"U-LiRA does not apply to {m.Name}: {m.Why}.")];
        return reasons.Length < methods.Count ? reasons : throw new UsageException("--shadows: " + string.Join(" ", reasons));
    }

    /// <summary>Adds the attack's rows to the methods that it applies to; there is one.</summary>
    public ExperimentResult AddTo(
        ExperimentResult result, IReadOnlyList<IUnlearningMethod> methods, Func<IUnlearningMethod, UnlearningOptions> optionsOf, ProgressLine progress,
        CancellationToken cancel)
    {
        var attacked = new Dictionary<string, IReadOnlyList<MetricResult>>();
        foreach (var method in methods)
        {
            var options = optionsOf(method);
            var relay = new SynchronousProgress<double>(share => progress.Report("U-LiRA", share, method.Name));
            if (WhyNotApplicable(method, options) is not null)
                continue;

            attacked[method.Name] = ULira.Run(
                data, ULira.Shadow(description, _training, () => MethodRegistry.Create(method.Name), options, device), Recipe(method, options),
                Options(shadows) with { Seed = seed, Folder = FolderOf(method.Name), Targets = Math.Min(ULiraOptions.Default.Targets, data.Train.Count / 5) },
                relay, cancel).Rows;
        }

        var rows = attacked.Values.First();
        return result with
        {
            Metrics = [.. result.Metrics, .. rows.Select(r => new MetricDefinition(r.Metric, r.Name, r.Unit, Requests.Results.Words(r), Requests.Results.IdealOf(r), r.Definition))],
            Methods =
            [
                .. result.Methods.Select(m => attacked.TryGetValue(m.Method, out var own)
                    ? m with { Metrics = [.. m.Metrics, .. own.Select(r => new StatisticResult(r.Metric, r.Name, r.Value ?? double.NaN, null, 1, r.Setting))] }
                    : m),
            ],
        };
    }

    /// <summary>Checks the number of models before anything long begins.</summary>
    /// <exception cref="UsageException">It makes no sense.</exception>
    public static ULiraOptions Options(int shadows)
    {
        var options = new ULiraOptions { Shadows = shadows };
        options.Validate();
        return options;
    }

    // Everything that the shadows depend on beside the images and the options of the attack.
    private string Recipe(IUnlearningMethod method, UnlearningOptions options) =>
        new RunIdentity(device)
            .Add("method", method.Name)
            .Add("parameters", string.Join("; ", MethodParameters.Of(method, options).Values.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key} {p.Value:R}"))))
            .Add("p", options.Percent).Add("k", options.Directions).Add("solver", options.Solver).Add("mode", options.Mode.ToString())
            .Add("feature batch", options.BatchSize).Add("official augmentation", options.OfficialAugmentation ? 1 : 0)
            .Add("training", string.Create(CultureInfo.InvariantCulture, $"{_training with { Seed = 0 }}"))
            .AddDescription(description)
            .Hash;

    // A shadow forgets single images.
    private string? WhyNotApplicable(IUnlearningMethod method, UnlearningOptions options)
    {
        using var model = Architectures.Create(description, device: device);
        return method.WhyNotApplicable(UnlearningContext.For(method, model, ForgetSplit.Create(data, ForgetRequest.ForIndices(data.Train.Id(0))), options));
    }

    private static TrainOptions Training(IReadOnlyDictionary<string, double> recipe)
    {
        double Of(string key) => recipe.TryGetValue(key, out var value)
            ? value
            : throw new UsageException($"--shadows: the model's file does not tell how it was trained ({key}), so no model like it can be trained; use one that escnative train made");
        return new TrainOptions
        {
            Epochs = (int)Of("epochs"),
            BatchSize = (int)Of("batch"),
            LearningRate = Of("learning-rate"),
            WeightDecay = Of("weight-decay"),
            CropPadding = (int)Of("crop"),
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
