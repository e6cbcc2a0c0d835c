using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Similarity;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>The metrics in the order of a report. Add your own with <see cref="Add"/>.</summary>
public static class MetricRegistry
{
    private static readonly List<Entry> Entries =
    [
        new(_ => new AccuracyMetric()),
        new(o => new LossAttackMetric(o.LossAttack)),
        new(o => new MemberShareMetric(o.MemberShare ?? MemberShareOptions.Default), o => o.MemberShare is not null),
        new(o => new ThresholdAttackMetric(o.Seed)),
        new(_ => new AverageGapMetric()),
        new(o => new ZrfMetric(o.Seed)),
        new(o => new KrOfficialMetric(o.Official)),
        new(o => new KrFastMetric(o.Official), o => o.LearningRate01),
        new(o => new KrStrongMetric(o.Strong)),
        new(o => new MlpProbeMetric(o.MlpProbe ?? MlpProbeOptions.Default), o => o.MlpProbe is not null),
        new(o => new BinaryProbeMetric(o.Binary)),
        new(o => new NearestNeighboursMetric(o.Neighbours)),
        new(_ => new ClassMeanMetric()),
        new(o => new JensenShannonMetric(MetricNeeds.Retrain, o.Similarity)),
        new(o => new ActivationDistanceMetric(MetricNeeds.Retrain, o.Similarity)),
        new(o => new CkaMetric(MetricNeeds.Retrain, o.Similarity)),
        new(o => new JensenShannonMetric(MetricNeeds.Original, o.Similarity)),
        new(o => new ActivationDistanceMetric(MetricNeeds.Original, o.Similarity)),
        new(o => new CkaMetric(MetricNeeds.Original, o.Similarity)),
        new(o => new LayerDistanceMetric(o.Seed), _ => false),
        new(o => new RelearningMetric(o.Relearning ?? RelearningOptions.Default), o => o.Relearning is not null),
    ];

    /// <summary>The names in the order of a report: those that every report has, and those that options ask for.</summary>
    public static IReadOnlyList<string> Names => [.. All(EvaluationOptions.Default).Select(m => m.Metric.Name)];

    /// <summary>The columns of comparisons, by table and place; every metric's, whether it is measured by default or not.</summary>
    public static IReadOnlyList<MetricColumn> Columns =>
        [.. All(EvaluationOptions.Default).SelectMany(m => m.Metric.Columns).OrderBy(c => c.Table).ThenBy(c => c.Place)];

    /// <summary>Adds a metric at the end.</summary>
    /// <param name="create">Makes it, with what it takes from the options of an evaluation.</param>
    /// <param name="onRequest">Whether only <see cref="EvaluationOptions.Also"/> asks for it; else every report has it.</param>
    /// <exception cref="UsageException">There is a metric of that name already.</exception>
    public static void Add(Func<EvaluationOptions, IMetric> create, bool onRequest = false)
    {
        ArgumentNullException.ThrowIfNull(create);
        var name = create(EvaluationOptions.Default).Name;
        lock (Entries)
        {
            if (Entries.Any(e => e.Create(EvaluationOptions.Default).Name == name))
                throw new UsageException($"metric: there is one named '{name}' already; wants a name of its own");
            Entries.Add(new Entry(create, onRequest ? _ => false : null));
        }
    }

    /// <summary>The metrics that options ask for, in the order of a report.</summary>
    internal static IMetric[] Chosen(EvaluationOptions options) =>
        [.. All(options).Where(m => m.ByDefault || options.Also.Contains(m.Metric.Name)).Select(m => m.Metric)];

    private static (IMetric Metric, bool ByDefault)[] All(EvaluationOptions options)
    {
        lock (Entries)
            return [.. Entries.Select(e => (e.Create(options), e.Wanted?.Invoke(options) ?? true))];
    }

    private sealed record Entry(Func<EvaluationOptions, IMetric> Create, Func<EvaluationOptions, bool>? Wanted = null);
}
