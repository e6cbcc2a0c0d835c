using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Tests.Metrics;

public sealed class RelearningTests
{
    private static readonly RelearningOptions Quick = new() { Steps = [1, 6], Batch = 16, Samples = 4, LearningRate = 0.05 };

    [Fact]
    public void A_forgotten_class_comes_back_and_the_model_stays_as_it_is()
    {
        using var model = SmallImages.Model();
        var data = SmallImages.Data();
        new Trainer(model, data, new TrainOptions { Epochs = 4, BatchSize = 16, LearningRate = 0.05 }).Run();
        var split = ForgetSplit.Create(data, ForgetRequest.ForClasses(2));
        new Esc().Run(UnlearningContext.For(new Esc(), model, split, new UnlearningOptions { Directions = 2 }));
        var (values, erasure) = (Values(model), model.Erasure);
        var before = FeatureBank.Extract(model, split.ForgetTest).Accuracy;
        var result = RelearningAttack.Measure(model, split, Quick);
        Assert.Equal(values, Values(model));
        Assert.Same(erasure, model.Erasure);
        Assert.False(model.Training);

        Assert.Equal([0, 1, 6], result.OnRemain.Select(p => p.Steps));
        Assert.Equal([0, 1, 6], result.OnSamples.Select(p => p.Steps));
        Assert.Equal((4, 20, 8, 24), (result.Samples, result.ForgetImages, result.ForgetTestImages, result.RemainTestImages));
        Assert.Equal(before, result.OnRemain[0].ForgetTest);
        Assert.Equal(result.OnRemain[0], result.OnSamples[0]);
        // Images of one class alone: the network soon says that class.
        Assert.True(result.OnSamples[^1].ForgetTest > 90, $"{result.OnSamples[^1]}");
        Assert.Equal(result.OnRemain, RelearningAttack.Measure(model, split, Quick).OnRemain);
        Assert.NotEqual(result.OnRemain[^1], RelearningAttack.Measure(model, split, Quick with { Seed = 1, LearningRate = 0.2 }).OnRemain[^1]);
    }

    [Fact]
    public void Prototypes_find_a_class_again_that_only_the_head_forgot()
    {
        using var model = SmallImages.Model();
        var data = SmallImages.Data();
        new Trainer(model, data, new TrainOptions { Epochs = 4, BatchSize = 16, LearningRate = 0.05 }).Run();
        var bias = model.Head.Bias!.Value.ToArray();
        bias[2] = -1000;
        model.Head.Bias.Value.CopyFrom<float>(bias);
        var result = RelearningAttack.Measure(model, ForgetSplit.Create(data, ForgetRequest.ForClasses(2)), Quick);
        Assert.Equal(0, result.OnRemain[0].Forget);
        // Three of the four samples are taken for the class by construction; so must be some of the others, at little cost.
        Assert.True(result.Prototypes is { Forget: > 10, ForgetTest: > 10, RemainTest: > 80 }, $"{result.Prototypes}");
        Assert.Equal(bias, model.Head.Bias.Value.ToArray());
    }

    [Fact]
    public void Every_point_is_a_row_with_an_interval()
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(1));
        var options = new EvaluationOptions
        {
            Relearning = Quick,
            Strong = new StrongProbeOptions { L2 = [1e-2] },
            Official = new SgdProbeOptions { Epochs = 1 },
            MemberShare = null,
        };
        var measured = EvaluationSuite.Measure(model, split, options);
        var rows = MetricReport.Compare(measured, measured, measured).Rows.Where(r => r.Metric.StartsWith("relearning", StringComparison.Ordinal) || r.Metric == "prototype attack").ToArray();
        Assert.Equal(
            [
                "D_f, 0 steps", "D_f, 1 steps", "D_f, 6 steps", "D_ft, 6 steps", "D_rt, 6 steps",
                "D_f, 0 steps", "D_f, 1 steps", "D_f, 6 steps", "D_ft, 6 steps", "D_rt, 6 steps", "D_f", "D_ft", "D_rt",
            ],
            rows.Select(r => r.Name));
        Assert.All(rows, r => Assert.True(r is { Value: not null, Retrain: not null, Interval: not null, Seed: 42, N: > 0 }, $"{r}"));
    }

    [Fact]
    public void Single_images_have_no_forgotten_test_rows_and_a_divergence_is_told()
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForIndices(0, 1, 2, 3, 4, 8));
        var result = RelearningAttack.Measure(model, split, Quick with { LearningRate = 1e30 });
        Assert.Null(result.OnRemain[0].ForgetTest);
        Assert.NotNull(result.OnRemain[0].Forget);
        // Half of the images of a class at most: one of 0, 4, 8; one each of 1, 2, 3.
        Assert.Equal((4, 2), (result.Samples, result.ForgetImages));
        Assert.Equal(new RelearningPoint(6, null, null, null), result.OnRemain[^1]);
    }

    [Fact]
    public void It_can_be_cancelled_and_refuses_what_makes_no_sense()
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(1));
        using var cancel = new CancellationTokenSource();
        var stop = new SynchronousProgress<double>(_ => cancel.Cancel());
        Assert.Throws<OperationCanceledException>(() => RelearningAttack.Measure(model, split, Quick, stop, cancel.Token));
        foreach (var bad in new[] { Quick with { Steps = [] }, Quick with { Steps = [5, 5] }, Quick with { Samples = 0 }, Quick with { LearningRate = 0 }, Quick with { Momentum = 1 } })
            Assert.Throws<UsageException>(() => RelearningAttack.Measure(model, split, bad));
    }

    private static float[] Values(Classifier model) =>
        [.. model.NamedParameters.SelectMany(p => p.Parameter.Value.ToArray()), .. model.NamedBuffers.SelectMany(b => b.Buffer.ToArray())];
}
