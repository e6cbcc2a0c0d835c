using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Measures models with every metric, and puts them beside each other.</summary>
public static class EvaluationSuite
{
    // About the share of the time that the forward pass takes (All-CNN, CIFAR-10, 2 threads).
    private const double PassShare = 0.6;

    /// <summary>Measures the Original and the erased model (and Retrain, if there is one), and compares them.</summary>
    /// <param name="original">Features and logits before erasure.</param>
    /// <param name="erased">The same rows after erasure.</param>
    /// <param name="retrain">The same rows seen by a model that was trained without the forgotten data.</param>
    /// <param name="options">How to measure; <see cref="EvaluationOptions.Default"/> if null.</param>
    /// <param name="progress">Told what is measured.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    /// <exception cref="EscException">BadInput: the three do not hold the same rows, labels and request.</exception>
    public static MetricReport Run(
        EvaluationData original, EvaluationData erased, EvaluationData? retrain = null, EvaluationOptions? options = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancel = default)
    {
        options?.Validate();
        (string Name, EvaluationData Data)[] models = retrain is null
            ? [("original", original), ("erased", erased)]
            : [("original", original), ("erased", erased), ("retrain", retrain)];
        var measured = new List<Evaluation>(models.Length);
        foreach (var (name, data) in models)
        {
            var part = progress is null
                ? null
                : new SynchronousProgress<EvaluationProgress>(p => progress.Report(
                    new EvaluationProgress($"{name}: {p.Stage}", (measured.Count + p.Share) / models.Length)));
            measured.Add(Measure(data, options, part, cancel));
        }

        return MetricReport.Compare(measured[0], measured[1], measured.ElementAtOrDefault(2));
    }

    /// <summary>Measures one model: runs it over the training and the test images, and takes every metric that the options ask for.</summary>
    /// <param name="model">The model, which computes as in evaluation mode; not changed.</param>
    /// <param name="split">The images, cut along the request.</param>
    /// <param name="options">How to measure; <see cref="EvaluationOptions.Default"/> if null.</param>
    /// <param name="progress">Told what is measured.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    public static Evaluation Measure(
        Classifier model, ForgetSplit split, EvaluationOptions? options = null, IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(split);
        var chosen = options ?? EvaluationOptions.Default;
        // Before the pass over the images, not after it.
        chosen.Validate();
        var metrics = MetricRegistry.Chosen(chosen);
        var found = new Measurements(EvaluationData.Of(model, split, Part(p => new EvaluationProgress("features", PassShare * p)), cancel));
        // Those that need the model come first. The slow one takes half a minute or more, of which nothing is told but that it runs.
        foreach (var metric in metrics.Where(m => m.Needs.HasFlag(MetricNeeds.Images) && CanMeasure(m, found.Data)))
        {
            var stage = metric.Cost > 0 ? Part(_ => new EvaluationProgress(metric.Name, PassShare)) : null;
            found.Add(metric.Name, metric.Measure(new MetricContext(found.Data, model, split, stage, cancel)));
        }

        var rest = progress is null
            ? null
            : new SynchronousProgress<EvaluationProgress>(p => progress.Report(p with { Share = PassShare + ((1 - PassShare) * p.Share) }));
        MeasureFeatures(metrics, found, rest, cancel);
        return new Evaluation(chosen, found);

        SynchronousProgress<double>? Part(Func<double, EvaluationProgress> told) =>
            progress is null ? null : new SynchronousProgress<double>(p => progress.Report(told(p)));
    }

    /// <summary>Measures one model by what it made of the images.</summary>
    /// <param name="data">Its features and logits.</param>
    /// <param name="options">How to measure; <see cref="EvaluationOptions.Default"/> if null.</param>
    /// <param name="progress">Told what is measured.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    public static Evaluation Measure(
        EvaluationData data, EvaluationOptions? options = null, IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var chosen = options ?? EvaluationOptions.Default;
        chosen.Validate();
        var found = new Measurements(data);
        MeasureFeatures(MetricRegistry.Chosen(chosen), found, progress, cancel);
        return new Evaluation(chosen, found);
    }

    private static void MeasureFeatures(
        IMetric[] metrics, Measurements found, IProgress<EvaluationProgress>? progress, CancellationToken cancel)
    {
        var measured = metrics.Where(m => !m.Needs.HasFlag(MetricNeeds.Images) && CanMeasure(m, found.Data)).ToArray();
        var stages = new Stages(progress, [.. measured.Select(m => m.Cost).Where(cost => cost > 0)]);
        foreach (var metric in measured)
        {
            var stage = metric.Cost > 0 ? stages.Next(metric.Name) : null;
            found.Add(metric.Name, metric.Measure(new MetricContext(found.Data, null, null, stage, cancel)));
        }
    }

    private static bool CanMeasure(IMetric metric, EvaluationData data) =>
        data.HasLogits || (metric.Needs & (MetricNeeds.Logits | MetricNeeds.Losses)) == 0;

    private sealed class Stages(IProgress<EvaluationProgress>? progress, List<double> weights)
    {
        private readonly double _all = weights.Sum();
        private int _stage = -1;

        public SynchronousProgress<double>? Next(string name)
        {
            _stage++;
            if (progress is null)
                return null;
            var (before, share) = (weights.Take(_stage).Sum() / _all, weights[_stage] / _all);
            return new SynchronousProgress<double>(done => progress.Report(new EvaluationProgress(name, before + (done * share))));
        }
    }
}

/// <summary>How far an evaluation is.</summary>
/// <param name="Stage">What is being measured, for people: "erased: KR-strong".</param>
/// <param name="Share">The share of all stages that is done, 0 to 1.</param>
public readonly record struct EvaluationProgress(string Stage, double Share);
