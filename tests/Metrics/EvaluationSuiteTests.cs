using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Metrics.Similarity;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class EvaluationSuiteTests
{
    private static readonly EvaluationOptions Quick = new()
    {
        Official = new SgdProbeOptions { Epochs = 2 },
        Strong = new StrongProbeOptions { L2 = [1e-3] },
        LearningRate01 = true,
        MlpProbe = new MlpProbeOptions { Epochs = 1, Hidden = 8 },
        MemberShare = new MemberShareOptions { Rows = 100 },
    };

    [Fact]
    public void Every_metric_stands_beside_the_originals_and_retrains()
    {
        var original = WithLogits(Synthetic.Data(500, 200, 16, 5, 0.5f, 41, 4), Right);
        var erased = WithLogits(Synthetic.EraseMainDirection(original), Forgotten);
        var retrain = WithLogits(Synthetic.EraseMainDirection(erased), Forgotten);
        var report = EvaluationSuite.Run(original, erased, retrain, Quick);
        Assert.Equal(
            [
                "accuracy", "MIA", "member share", "threshold attack", "Avg Gap", "KR-official", "KR-lr0.1", "KR-strong", "MLP probe",
                "binary probe", "20-NN", "class mean", "JS to Retrain", "activation distance to Retrain", "CKA to Retrain", "JS to Original",
                "activation distance to Original", "CKA to Original",
            ],
            report.Rows.Select(r => r.Metric).Distinct());
        Assert.All(report.Rows, r => Assert.True(r is { Value: not null, Original: not null, Retrain: not null, N: > 0 }, $"{r}"));
        Assert.All(report.Rows, r => Assert.True(
            r.Interval is { } i ? i.Low <= r.Value + 1e-9 && r.Value - 1e-9 <= i.High : r.IntervalBasis.StartsWith("none: ", StringComparison.Ordinal), $"{r}"));
        var forget = report.Find("accuracy", "D_f")!;
        Assert.Equal((0.0, 100.0, 0.0), (forget.Value!.Value, forget.Original!.Value, forget.Retrain!.Value));
        Assert.Equal((MetricDirection.Lower, "0", 100, MetricVerdict.AsReference), (forget.Direction, forget.Ideal, forget.N, forget.Verdict));
        Assert.Equal(100.0, report.Find("accuracy", "HM_t")!.Value);
        var probe = report.Find("KR-strong", "D_f")!;
        Assert.Equal((MetricDirection.CloserToRetrain, "Retrain's"), (probe.Direction, probe.Ideal));
        Assert.Equal("L-BFGS, L2 1E-3, best of 1", probe.Setting);
        Assert.Equal(MetricVerdict.None, report.Find("KR-official", "D_f")!.Verdict);
        Assert.Equal("no verdict: the probe is far from converged", report.Find("KR-official", "D_f")!.Notes);
        Assert.Equal(42ul, report.Find("KR-official", "D_f")!.Seed);
        Assert.Null(report.Find("KR-strong", "D_ff"));
    }

    [Fact]
    public void The_suite_gives_what_each_metric_gives()
    {
        var original = Synthetic.Data(300, 100, 8, 4, 1, 42, 1);
        var erased = Synthetic.EraseMainDirection(original);
        var report = EvaluationSuite.Run(original, erased, options: Quick);
        Assert.Equal(SgdProbe.Run(erased, Quick.Official).Accuracies.Forget, report.Find("KR-official", "D_f")!.Value);
        Assert.Equal(
            SgdProbe.Run(original, Quick.Official with { LearningRate = 0.1 }).Accuracies.Remain, report.Find("KR-lr0.1", "D_r")!.Original);
        Assert.Equal(StrongProbe.Run(erased, Quick.Strong).Best.Accuracies.HarmonicMeanTest, report.Find("KR-strong", "HM_t")!.Value);
        Assert.Equal(BinaryProbe.Run(erased).Auc, report.Find("binary probe", "AUC")!.Value);
        Assert.Equal(NearestNeighbours.Run(original).RemainTest, report.Find("20-NN", "D_rt")!.Original);
        Assert.Equal(NearestClassMean.Run(erased).ForgetTest, report.Find("class mean", "D_ft")!.Value);
        // No logits were given, and there is no Retrain.
        Assert.Null(report.Find("accuracy", "D_f"));
        Assert.All(report.Rows, r => Assert.Null(r.Retrain));
    }

    [Fact]
    public void A_request_of_single_images_is_measured_against_retrain_and_has_no_forgotten_test_rows()
    {
        var data = Synthetic.Data(200, 60, 6, 3, 1, 43);
        var train = new FeatureSplit(data.Train.Features, 6, data.Train.Labels, 3, FeatureSplit.MarkRows(200, [3, 5, 8, 100]));
        data = WithLogits(new EvaluationData(train, data.Test), Right);
        var report = EvaluationSuite.Run(data, data, options: Quick);
        var forget = report.Find("accuracy", "D_f")!;
        Assert.Equal((100.0, 4, MetricDirection.CloserToRetrain), (forget.Value!.Value, forget.N, forget.Direction));
        foreach (var row in report.Rows.Where(r => r.Name is "D_ft" or "HM_t" or "AUC"))
            Assert.True(row.Value is null, $"{row}");
        Assert.Equal("n/a: there are no such rows", report.Find("KR-strong", "D_ft")!.Notes);
        Assert.Equal("n/a: there are no such rows", report.Find("KR-official", "D_ft")!.Notes);
        Assert.Equal(60, report.Find("accuracy", "D_rt")!.N);
    }

    [Theory]
    [InlineData(20.0, 60.0, MetricVerdict.OverErased, "40 below Retrain: over-erased")]
    [InlineData(95.0, 60.0, MetricVerdict.KnowledgeLeft, "35 above Retrain: knowledge is left")]
    [InlineData(61.0, 60.0, MetricVerdict.AsReference, "as Retrain, within sampling error")]
    [InlineData(2.0, null, MetricVerdict.OverErased, "below chance (10): over-erased")]
    [InlineData(60.0, null, MetricVerdict.None, "")]
    public void A_measure_of_forgetting_is_judged_by_retrain_or_by_chance(double value, double? retrain, MetricVerdict verdict, string words)
    {
        var row = Judgement.Of(Row(value, retrain), ideal: null, chance: 10, p => SamplingError.OfShare(p, 1000));
        Assert.Equal((verdict, words), (row.Verdict, row.Notes));
    }

    [Fact]
    public void A_known_ideal_stands_in_for_retrain()
    {
        var row = Judgement.Of(Row(10.7, null), ideal: 0, chance: 10, p => SamplingError.OfShare(p, 5000));
        Assert.Equal((MetricVerdict.KnowledgeLeft, "10.7 above the ideal: knowledge is left"), (row.Verdict, row.Notes));
    }

    [Fact]
    public void Standard_errors()
    {
        Assert.Equal(5, SamplingError.OfShare(50, 100), 1e-12);
        // At 1/2 with equal sides n: sqrt((2 n + 1) / (12 n²)) of the rank sum test.
        Assert.Equal(Math.Sqrt(201.0 / (12 * 100 * 100)), SamplingError.OfAuc(0.5, 100, 100), 1e-12);
        Assert.Equal(0, SamplingError.OfAuc(1, 10, 10));
    }

    [Fact]
    public void Only_the_same_rows_under_the_same_options_are_compared()
    {
        var data = Synthetic.Data(60, 20, 4, 3, 1, 44, 1);
        var other = Synthetic.Data(60, 20, 4, 3, 1, 44, 2);
        var (a, b) = (EvaluationSuite.Measure(data, Quick), EvaluationSuite.Measure(other, Quick));
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => MetricReport.Compare(a, b)).Code);
        var coarse = EvaluationSuite.Measure(data, Quick with { LearningRate01 = false });
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => MetricReport.Compare(a, coarse)).Code);
    }

    [Fact]
    public void Progress_rises_and_a_cancellation_ends_it()
    {
        var data = Synthetic.Data(60, 20, 4, 3, 1, 45, 1);
        var seen = new List<EvaluationProgress>();
        EvaluationSuite.Run(data, data, options: Quick, progress: new SynchronousProgress<EvaluationProgress>(seen.Add));
        Assert.Equal(seen.Select(p => p.Share).Order(), seen.Select(p => p.Share));
        Assert.Equal(1, seen[^1].Share, 1e-9);
        Assert.StartsWith("original: ", seen[0].Stage, StringComparison.Ordinal);
        Assert.Equal("erased: nearest neighbours", seen[^1].Stage);
        using var cancel = new CancellationTokenSource();
        var stop = new SynchronousProgress<EvaluationProgress>(p =>
        {
            if (p.Stage == "erased: KR-strong")
                cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => EvaluationSuite.Run(data, data, options: Quick, progress: stop, cancel: cancel.Token));
    }

    [Fact]
    public void A_model_is_measured_from_its_images()
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(2));
        var shares = new List<double>();
        var measured = EvaluationSuite.Measure(model, split, Quick, new SynchronousProgress<EvaluationProgress>(p => shares.Add(p.Share)));
        Assert.Equal(FeatureBank.Extract(model, split.Data.Train).Logits, measured.Data.Train.Logits);
        Assert.Equal(FeatureBank.Extract(model, split.Data.Test).Features, measured.Data.Test.Features);
        for (var row = 0; row < split.Data.Train.Count; row++)
            Assert.Equal(split.Data.Train.Label(row) == 2, measured.Data.Train.Forgotten[row]);
        Assert.Equal((24, 8), (measured.Data.Train.ForgottenRows, measured.Data.Test.ForgottenRows));
        Assert.Equal(ZeroRetrainForgetting.Run(model, split.Forget).Score, measured.Measurements.Get<ZrfResult>("ZRF")!.Score);
        Assert.Equal(["ZRF", "ZRF-code"], MetricReport.Compare(measured, measured).Rows.Select(r => r.Metric).Where(m => m[0] == 'Z'));
        Assert.Equal(shares.Order(), shares);
        Assert.InRange(shares[^1], 1 - 1e-9, 1 + 1e-9);
    }

    [Fact]
    public void A_request_of_single_images_marks_these_training_images_alone()
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForIndices(0, 7, 95));
        var data = EvaluationData.Of(model, split);
        Assert.Equal([0, 7, 95], Enumerable.Range(0, 96).Where(i => data.Train.Forgotten[i]));
        Assert.Equal(0, data.Test.ForgottenRows);
    }

    private static float[] Right(int label, int classes) => [.. Enumerable.Range(0, classes).Select(c => c == label ? 1f : 0f)];

    // A model that never predicts the last class.
    private static float[] Forgotten(int label, int classes) => Right(label == classes - 1 ? 0 : label, classes);

    private static EvaluationData WithLogits(EvaluationData data, Func<int, int, float[]> logits)
    {
        return new EvaluationData(With(data.Train), With(data.Test));
        FeatureSplit With(FeatureSplit s) =>
            new(s.Features, s.Width, s.Labels, s.Classes, s.Forgotten, [.. s.Labels.SelectMany(l => logits(l, s.Classes))]);
    }

    private static MetricResult Row(double value, double? retrain) => new()
    {
        Metric = "KR-strong",
        Name = "D_f",
        Value = value,
        Original = 97,
        Retrain = retrain,
        Unit = "%",
        Definition = "",
        Ideal = "",
        Direction = MetricDirection.CloserToRetrain,
        N = 1000,
    };
}
