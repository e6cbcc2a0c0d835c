using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Tests.Unlearning;

/// <summary>Every registered method and every metric on a small vision transformer.</summary>
public sealed class MethodsOnViTTests
{
    public static TheoryData<string> Methods => [.. MethodRegistry.Names];

    private static ForgetSplit Split { get; } = ForgetSplit.Create(SmallImages.Data(train: 24, test: 8), ForgetRequest.ForClasses(2));

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_runs_and_changes_what_the_model_puts_out(string name)
    {
        using var model = SmallVit.Model();
        model.Training = false;
        var before = FeatureBank.Extract(model, Split.Forget);
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method);
        if (method.Parameters.SingleOrDefault(p => p.Name == "epochs") is { } epochs)
            options = Tiny.Options(method, ("epochs", epochs.Minimum));
        if (name == "ssd")
            options = Tiny.Options(method, ("alpha", 1));
        if (name is "esc" or "esc-t")
            options = options with { Directions = name == "esc" ? 2 : null };
        var context = UnlearningContext.For(method, model, Split, options);
        Assert.Null(method.WhyNotApplicable(context));
        var result = method.Run(context);
        Assert.Equal((name, UnlearningOutcome.Completed), (result.Method, result.Outcome));
        var after = FeatureBank.Extract(model, Split.Forget);
        Assert.All(after.Logits, v => Assert.True(float.IsFinite(v)));
        Assert.All(model.Parameters.SelectMany(p => p.Value.ToArray()), v => Assert.True(float.IsFinite(v)));
        Assert.NotEqual(before.Logits, after.Logits);
        Assert.Single(model.Forgotten);
    }

    [Fact]
    public void Every_metric_measures_it()
    {
        using var model = SmallVit.Model();
        using var retrain = SmallVit.Model(seed: 9);
        using var erased = model.Copy();
        (model.Training, retrain.Training, erased.Training) = (false, false, false);
        new Esc().Run(new UnlearningContext(erased, Split.Forget, new UnlearningOptions { Directions = 2 }));
        var quick = EvaluationOptions.Default with
        {
            Official = new SgdProbeOptions { Epochs = 1 },
            Strong = new StrongProbeOptions { L2 = [1e-3] },
            MlpProbe = new MlpProbeOptions { Epochs = 1, Hidden = 8 },
            Also = ["activation distance by layer"],
        };
        var measured = new[] { model, erased, retrain }.Select(m => EvaluationSuite.Measure(m, Split, quick)).ToArray();
        var report = MetricReport.Compare(measured[0], measured[1], measured[2]);
        Assert.Equal(["MIA: accuracy"], report.Rows.Where(r => r.Value is null).Select(r => $"{r.Metric}: {r.Name}"));
        Assert.All(report.Rows, r => Assert.True(r.Value is not { } value || double.IsFinite(value), $"{r}"));
        // Each layer of each block shows what it takes, the patches' convolution (the images) apart.
        var layers = report.Rows.Where(r => r.Metric == "activation distance by layer").Select(r => r.Name).ToArray();
        Assert.Equal((3 * 4) + 1, layers.Length);
        Assert.Equal("D_f, into features.blocks.0.attn.qkv", layers[0]);
        Assert.Equal("D_f, into head.0", layers[^1]);
    }
}
