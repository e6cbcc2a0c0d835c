using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Tests.Unlearning;

/// <summary>Every method and metric on residual networks: with shortcuts without weights, and with those that are convolutions.</summary>
public sealed class ResNetMethodsTests
{
    private static readonly string[] Networks = ["resnet20", "resnet18"];

    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var network in Networks)
            {
                foreach (var method in MethodRegistry.Names)
                    all.Add(network, method);
            }

            return all;
        }
    }

    public static TheoryData<string> Models => [.. Networks];

    [Theory]
    [MemberData(nameof(All))]
    public void A_method_changes_the_network_and_leaves_it_whole(string network, string name)
    {
        using var model = TinyResNets.Model(network);
        var before = Tiny.Values(model);
        var method = MethodRegistry.Create(name);
        var options = Options(method);
        var result = method.Run(UnlearningContext.For(method, model, Tiny.Split, options));
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
        Assert.False(model.Training);
        var after = Tiny.Values(model);
        Assert.All(after, v => Assert.True(float.IsFinite(v), $"{name} leaves {v}"));
        Assert.True(model.Erasure is not null || !after.AsSpan().SequenceEqual(before), $"{name} changed nothing");
        if (name == "kodge")
            Assert.Contains(result.Notes, note => note.EndsWith(network == "resnet20" ? ", 20 layers" : ", 21 layers", StringComparison.Ordinal));

        // What it puts out is the plan's, too.
        var bank = FeatureBank.Extract(model, Tiny.Split.ForgetTest);
        Assert.All(bank.Logits, v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_metric_measures_it(string network)
    {
        using var original = TinyResNets.Model(network);
        using var erased = original.Copy();
        using var retrain = TinyResNets.Model(network, seed: 6);
        var split = ForgetSplit.Create(SmallImages.Data(train: 48, test: 24), ForgetRequest.ForClasses(2));
        new Esc().Run(new UnlearningContext(erased, split.Forget, new UnlearningOptions { Directions = 1 }));
        var options = new EvaluationOptions
        {
            Official = new SgdProbeOptions { Epochs = 1 },
            Strong = new StrongProbeOptions { L2 = [1e-2] },
            MlpProbe = new MlpProbeOptions { Epochs = 1, Hidden = 8 },
            Also = ["activation distance by layer"],
        };
        var measured = Array.ConvertAll([original, erased, retrain], model => EvaluationSuite.Measure(model, split, options));
        var report = MetricReport.Compare(measured[0], measured[1], measured[2]);
        Assert.Equal([], report.Rows.Where(r => r.Value is null).Select(r => $"{r.Metric}: {r.Name}"));
        Assert.All(report.Rows, r => Assert.True(r.Value is not { } value || double.IsFinite(value), $"{r}"));
        // One for each convolution but the first, the mean and the head.
        Assert.Equal(network == "resnet20" ? 20 : 21, report.Rows.Count(r => r.Metric == "activation distance by layer"));
    }

    // The default share of few directions is none, and one pass is enough.
    private static UnlearningOptions Options(IUnlearningMethod method)
    {
        (string, double)[] least = [.. method.Parameters.Where(p => p.Name == "epochs").Select(p => ("epochs", Math.Max(p.Minimum, 1.0)))];
        // D_f is a quarter of D: nothing matters ten times as much for it.
        return Tiny.Options(method, method.Name == "ssd" ? [("alpha", 1)] : least) with { Directions = method.Name == "esc" ? 2 : null };
    }
}
