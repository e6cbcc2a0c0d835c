using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Similarity;

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
        // Before the pass over the images, not after it.
        options?.Validate();
        var features = progress is null
            ? null
            : new SynchronousProgress<double>(done => progress.Report(new EvaluationProgress("features", PassShare * done)));
        var data = EvaluationData.Of(model, split, features, cancel);
        var rest = progress is null
            ? null
            : new SynchronousProgress<EvaluationProgress>(p => progress.Report(p with { Share = PassShare + ((1 - PassShare) * p.Share) }));
        var logits = data.Train.LogitsOf(data.Train.RowsOf(forgotten: true));
        var zrf = split.Forget.Count == 0
            ? null
            : ZeroRetrainForgetting.Run(logits, model, split.Forget, (options ?? EvaluationOptions.Default).Seed, null, cancel);
        // Half a minute or more, of which nothing is told but that it runs.
        var relearning = options?.Relearning is { } wanted && split.Forget.Count > 0
            ? RelearningAttack.Measure(model, split, wanted, Stage("relearning"), cancel)
            : null;
        return Measure(data, options, rest, cancel) with { Zrf = zrf, Relearning = relearning };

        SynchronousProgress<double>? Stage(string name) => progress is null
            ? null
            : new SynchronousProgress<double>(_ => progress.Report(new EvaluationProgress(name, PassShare)));
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
        var stages = new Stages(progress, Plan(chosen, data));
        return new Evaluation
        {
            Data = data,
            Options = chosen,
            Accuracies = data.Accuracies,
            LossAttack = data.HasLogits ? LossAttack.Run(data, chosen.LossAttack) : null,
            ThresholdAttacks = data.HasLogits ? ThresholdAttack.Run(data, chosen.Seed) : [],
            MemberShares = data.HasLogits && chosen.MemberShare is { } share
                ? MemberShareAttack.Run(data, share, stages.Next("member share"), cancel)
                : [],
            Official = SgdProbe.Run(data, chosen.Official, stages.Next("KR-official"), cancel),
            LearningRate01 = chosen.LearningRate01
                ? SgdProbe.Run(data, chosen.Official with { LearningRate = 0.1 }, stages.Next("KR, learning rate 0.1"), cancel)
                : null,
            Strong = StrongProbe.Run(data, chosen.Strong, stages.Next("KR-strong"), cancel),
            Mlp = chosen.MlpProbe is { } mlp ? MlpProbe.Run(data, mlp, stages.Next("MLP probe"), cancel) : null,
            Binary = BinaryProbe.Run(data, chosen.Binary, stages.Next("binary probe"), cancel),
            Neighbours = NearestNeighbours.Run(data, chosen.Neighbours, stages.Next("nearest neighbours"), cancel),
            ClassMean = NearestClassMean.Run(data),
        };
    }

    // The stages in order, with about the share of the time that each takes.
    private static List<double> Plan(EvaluationOptions options, EvaluationData data)
    {
        var weights = new List<double>();
        if (data.HasLogits && options.MemberShare is not null)
            weights.Add(0.3);
        weights.Add(0.1);
        if (options.LearningRate01)
            weights.Add(0.1);
        weights.Add(0.6);
        if (options.MlpProbe is not null)
            weights.Add(0.3);
        weights.AddRange([0.1, 0.2]);
        return weights;
    }

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
