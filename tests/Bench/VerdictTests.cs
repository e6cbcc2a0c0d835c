using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Bench;

public sealed class VerdictTests
{
    [Theory]
    [InlineData(MetricDirection.Higher, 84.4, 86.0, "as")]
    [InlineData(MetricDirection.Higher, 84.4, 92.0, "worse")]
    [InlineData(MetricDirection.Higher, 84.4, 70.0, "better")]
    [InlineData(MetricDirection.Lower, 84.4, 70.0, "worse")]
    [InlineData(MetricDirection.Lower, 84.4, 95.0, "better")]
    public void A_difference_counts_where_it_is_larger_than_chance_explains(MetricDirection direction, double value, double retrain, string expected)
    {
        var verdict = Verdicts.Of(Row(value, retrain, direction));
        Assert.Equal((expected, "Retrain"), (verdict.Verdict, verdict.Against));
    }

    [Fact]
    public void Without_Retrain_what_is_kept_is_judged_beside_the_model_before_and_an_attack_is_not_judged()
    {
        Assert.Equal(new VerdictResult("worse", "before", ""), Verdicts.Of(Row(60, null, MetricDirection.Higher)));
        Assert.Equal("none", Verdicts.Of(Row(60, null, MetricDirection.CloserToRetrain)).Verdict);
        Assert.Equal("unknown", Verdicts.Of(Row(60, null, MetricDirection.CloserToRetrain)).Short());
        Assert.Equal(("unknown", "unknown"), (Results.Words(Row(60, null, MetricDirection.CloserToRetrain)), Results.IdealOf(Row(60, null, MetricDirection.CloserToRetrain))));
    }

    [Fact]
    public void What_the_library_judged_is_taken_over()
    {
        var row = Row(60, 20, MetricDirection.CloserToRetrain);
        Assert.Equal("worse: knowledge is left", Verdicts.Of(row with { Verdict = MetricVerdict.KnowledgeLeft }).Words());
        Assert.Equal("over-erased", Verdicts.Of(row with { Verdict = MetricVerdict.OverErased }).Short());
        Assert.Equal("as Retrain", Verdicts.Of(row with { Verdict = MetricVerdict.AsReference }).Words());
        Assert.Equal("the probe is far from converged", Verdicts.Of(row with { Notes = "no verdict: the probe is far from converged" }).Words());
        Assert.Equal("none", Verdicts.Of(row with { Value = null }).Verdict);
    }

    private static MetricResult Row(double value, double? retrain, MetricDirection direction) => new()
    {
        Metric = "accuracy",
        Name = "D_rt",
        Value = value,
        Original = 86,
        Retrain = retrain,
        Unit = "%",
        Definition = "",
        Ideal = "Retrain's",
        Direction = direction,
        N = 450,
        Interval = Interval.Wilson(value, 450),
    };
}
