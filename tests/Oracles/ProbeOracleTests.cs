using System.Text.Json;
using EscNative.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics;

namespace EscNative.Tests.Oracles;

/// <summary>What attackers find in the real features, against the probes of PyTorch and scikit-learn on the same checkpoint.</summary>
public sealed class ProbeOracleTests
{
    // One seed there, another here: the converged probe hardly moves (1 point over 8 seeds here), the published one by up to
    // 5 points after ESC over 8 seeds, so that only a band is asserted for it.
    [Fact]
    public void Knowledge_retention_agrees_before_and_after_erasing()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(TestData.Oracle("results.json")));
        var (train, test) = OracleRun.Original;
        var original = Data(train.Features, test.Features);
        AssertClose("KR_strong_original", StrongProbe.Run(original, new StrongProbeOptions()).Best.Accuracies, 1.5);
        AssertClose("KR_official_original", SgdProbe.Run(original, SgdProbeOptions.Official).Accuracies, 1.5);

        using var model = OracleRun.Model();
        new Esc().Run(new UnlearningContext(model, OracleRun.Split.Forget, new UnlearningOptions { Directions = 1 }));
        var erased = Data(Erase(model, train), Erase(model, test));
        AssertClose("KR_strong_esc_paper_k1", StrongProbe.Run(erased, new StrongProbeOptions()).Best.Accuracies, 1.5);
        Assert.InRange(SgdProbe.Run(erased, SgdProbeOptions.Official).Accuracies!.Forget!.Value, 14, 25);

        EvaluationData Data(float[] trainFeatures, float[] testFeatures) => new(
            new FeatureSplit(trainFeatures, 96, train.Labels, 10, FeatureSplit.MarkClasses(train.Labels, OracleRun.ForgetClass)),
            new FeatureSplit(testFeatures, 96, test.Labels, 10, FeatureSplit.MarkClasses(test.Labels, OracleRun.ForgetClass)));

        void AssertClose(string key, ForgetAccuracies? actual, double points)
        {
            Assert.NotNull(actual);
            var expected = json.RootElement.GetProperty(key);
            foreach (var (name, value) in new[] { ("D_f", actual.Forget), ("D_r", actual.Remain), ("D_ft", actual.ForgetTest), ("D_rt", actual.RemainTest) })
            {
                var theirs = expected.GetProperty(name).GetDouble();
                Assert.True(Math.Abs(value!.Value - theirs) <= points, $"{key} {name}: {value} against {theirs}");
            }
        }
    }

    private static float[] Erase(Classifier model, FeatureBank bank)
    {
        var rows = Array.ConvertAll(bank.Features, v => (double)v);
        model.Erasure!.Apply(rows);
        return Array.ConvertAll(rows, v => (float)v);
    }
}
