using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Metrics.Similarity;

namespace EscNative.Tests.Metrics;

public sealed class LayerDistanceTests
{
    private const string Name = "activation distance by layer";

    private static readonly ForgetSplit Split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(2));

    [Fact]
    public void A_model_is_at_no_distance_from_itself_in_any_layer()
    {
        using var model = SmallImages.Model();
        var own = Measure(model);
        var rows = Rows(own, own, own);
        Assert.True(rows.Length > 5, string.Join(", ", rows.Select(r => r.Name)));
        Assert.Equal("D_f, into head.0", rows[^1].Name);
        Assert.All(rows, r => Assert.Equal((0.0, 0.0, 0.0, 24, "0"), (r.Value, r.Original, r.Retrain, r.N, r.Ideal)));
    }

    [Fact]
    public void The_distance_of_features_is_the_mean_of_relative_ones_and_the_mode_stays()
    {
        using var original = SmallImages.Model(seed: 3);
        using var retrain = SmallImages.Model(seed: 4);
        original.Training = true;
        var (a, r) = (Measure(original), Measure(retrain));
        Assert.True(original.Training);
        var row = Rows(a, a, r)[^1];
        var (x, y) = (FeatureBank.Extract(original, Split.Forget), FeatureBank.Extract(retrain, Split.Forget));
        var expected = Enumerable.Range(0, x.Count).Average(i => Math.Sqrt(
            Enumerable.Range(i * x.Width, x.Width).Sum(j => Math.Pow((double)x.Features[j] - y.Features[j], 2)) /
            Enumerable.Range(i * x.Width, x.Width).Sum(j => Math.Pow(y.Features[j], 2))));
        Assert.Equal(expected, row.Value!.Value, 1e-4);
        Assert.True(row.Interval!.Value.Low < expected && expected < row.Interval.Value.High, $"{row}");
        Assert.Equal((0.0, MetricDirection.Lower), (row.Retrain, row.Direction));
    }

    [Fact]
    public void A_layer_that_changes_moves_what_comes_after_it_alone()
    {
        using var model = SmallImages.Model();
        using var changed = model.Copy();
        var weight = changed.NamedParameters.Last(p => p.Parameter.Shape.Rank == 4).Parameter.Value;
        weight.CopyFrom<float>(Array.ConvertAll(weight.ToArray(), w => 2 * w));
        var retrain = Measure(model);
        var rows = Rows(retrain, Measure(changed), retrain);
        Assert.Equal(0, rows[0].Value);
        Assert.True(rows[^1].Value > 0.01, $"{rows[^1]}");
        Assert.Equal(rows.Select(r => r.Value > 0).Order(), rows.Select(r => r.Value > 0));
    }

    [Fact]
    public void Only_who_asks_for_it_and_has_a_Retrain_gets_it()
    {
        var data = Synthetic.Data(60, 20, 4, 3, 1, 45, 1);
        var options = new EvaluationOptions { Official = new() { Epochs = 1 }, Strong = new() { L2 = [1e-1] }, Also = [Name] };
        Assert.Contains(Name, MetricRegistry.Names);
        Assert.DoesNotContain(MetricRegistry.Chosen(EvaluationOptions.Default), m => m.Name == Name);
        Assert.Contains(MetricRegistry.Chosen(options), m => m.Name == Name);
        // Features alone do not show the layers.
        Assert.DoesNotContain(EvaluationSuite.Run(data, data, data, options).Rows, r => r.Metric == Name);
        using var model = SmallImages.Model();
        var own = Measure(model);
        Assert.Empty(new LayerDistanceMetric(1).Rows(new MetricComparison(own, own, null)));
    }

    [Fact]
    public void A_Retrain_of_another_width_has_other_layers()
    {
        using var model = SmallImages.Model();
        using var wide = Architectures.Create(model.Description with { Hyperparameters = new AllCnnHyperparameters(0.25) }, seed: 1);
        var own = Measure(model);
        Assert.All(Rows(own, own, Measure(wide)), r => Assert.Equal((null, "n/a: Retrain has other layers"), (r.Value, r.Notes)));
    }

    private static Measurements Measure(Classifier model)
    {
        var found = new Measurements(EvaluationData.Of(model, Split));
        found.Add(Name, new LayerDistanceMetric(1).Measure(new MetricContext(found.Data, model, Split, null, TestContext.Current.CancellationToken)));
        return found;
    }

    private static MetricResult[] Rows(Measurements original, Measurements erased, Measurements retrain) =>
        [.. new LayerDistanceMetric(1).Rows(new MetricComparison(original, erased, retrain))];
}
