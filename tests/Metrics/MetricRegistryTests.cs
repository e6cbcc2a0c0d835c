using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Tests.Metrics;

public sealed class MetricRegistryTests
{
    [Fact]
    public void Names_are_those_of_the_metrics_and_none_is_there_twice()
    {
        var names = MetricRegistry.Names;
        Assert.Equal(names.Distinct(), names);
        Assert.Equal(["accuracy", "MIA", "member share"], names.Take(3));
        Assert.Contains("relearning", names);
    }

    [Fact]
    public void Columns_stand_in_the_order_of_their_tables_and_places()
    {
        Assert.Equal(
            [
                "D_f", "D_r", "D_ft", "D_rt", "HM", "HM_t", "KR D_f", "KR D_ft", "KR HM_t", "strong D_f", "strong D_ft", "strong HM_t", "AUC",
                "20-NN D_ft", "MIA", "ZRF", "CKA D_f", "relearned D_f", "Avg Gap",
            ],
            MetricRegistry.Columns.Select(c => c.Heading));
        var relearned = MetricRegistry.Columns.Single(c => c.Heading == "relearned D_f");
        Assert.Equal(("relearning on D_r", "D_f, 50 steps"), (relearned.Metric, relearned.Name));
    }

    [Fact]
    public void Users_add_metrics_of_their_own_under_names_of_their_own()
    {
        MetricRegistry.Add(_ => new LargestFeature(), onRequest: true);
        Assert.Contains("there is one named 'largest feature' already", Assert.Throws<UsageException>(
            () => MetricRegistry.Add(_ => new LargestFeature())).Message, StringComparison.Ordinal);
        Assert.Equal("largest feature", MetricRegistry.Names[^1]);

        var data = Synthetic.Data(60, 20, 4, 3, 1, 45, 1);
        var options = new EvaluationOptions { Also = ["largest feature"], Official = new() { Epochs = 1 }, Strong = new() { L2 = [1e-1] } };
        var report = EvaluationSuite.Run(data, data, data, options);
        var row = report.Rows[^1];
        Assert.Equal(("largest feature", "D_f", (double)data.Train.Features.Max()), (row.Metric, row.Name, row.Value));
        Assert.Equal((row.Value, row.Value, MetricVerdict.AsReference), (row.Original, row.Retrain, row.Verdict));
        Assert.Null(EvaluationSuite.Run(data, data, options: options with { Also = [] }).Find("largest feature", "D_f"));
    }

    [Fact]
    public void A_metric_that_is_not_there_is_refused_with_those_that_are()
    {
        var thrown = Assert.Throws<UsageException>(() => new EvaluationOptions { Also = ["MIA", "KR-stronger"] }.Validate());
        Assert.StartsWith("metric: got 'KR-stronger', wants some of accuracy, MIA, ", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_lists_of_names_can_be_compared_and_others_not()
    {
        var data = Synthetic.WithScores(Synthetic.Data(60, 20, 4, 3, 1, 45, 1));
        var quick = new EvaluationOptions { Official = new() { Epochs = 1 }, Strong = new() { L2 = [1e-1] }, MemberShare = null };
        Evaluation Measure(params string[] also) => EvaluationSuite.Measure(data, quick with { Also = also });
        var (a, b, c) = (Measure("KR-lr0.1"), Measure("KR-lr0.1"), Measure());
        Assert.NotNull(MetricReport.Compare(a, b).Find("KR-lr0.1", "D_f"));
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => MetricReport.Compare(a, c)).Code);
    }

    [Fact]
    public void A_metric_that_takes_the_model_says_so()
    {
        var context = new MetricContext(Synthetic.Data(60, 20, 4, 3, 1, 45, 1), null, null, null, default);
        Assert.Contains("MetricNeeds.Images", Assert.Throws<InvalidOperationException>(() => context.Model).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => context.Split);
    }

    private sealed class LargestFeature : IMetric
    {
        public string Name => "largest feature";

        public MetricNeeds Needs => MetricNeeds.Retrain;

        public object? Measure(MetricContext context) => new Found(context.Data.Train.Features.Max());

        public IEnumerable<MetricResult> Rows(MetricComparison models)
        {
            var row = new RowGroup(models, Name, "the largest feature").Row("D_f", "all rows", models.Data.Train.Rows, e => e.Get<Found>(Name)?.Value);
            return [Judgement.Of(row, null, null, _ => 0)];
        }

        private sealed record Found(double Value);
    }
}
