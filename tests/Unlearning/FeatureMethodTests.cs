using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

public sealed class FeatureMethodTests
{
    public static TheoryData<string> Names => ["inlp", "leace", "mean-direction", "po-erase", "remap", "splince"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_feature_method_changes_the_features_and_no_weight(string name)
    {
        using var model = SmallImages.Model();
        var images = SmallImages.Set(20, 8);
        var weights = Weights(model);
        var before = FeatureBank.Extract(model, images);
        var result = Run(model, name, Split());
        Assert.Equal(weights, Weights(model));
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
        Assert.Equal(name, Assert.Single(model.Erasure!.Factors).Origin["method"]);
        Assert.Equal(MethodRegistry.Create(name).Parameters.Select(p => p.Name).Order(StringComparer.Ordinal), result.Parameters.Keys);
        var after = FeatureBank.Extract(model, images);
        Assert.NotEqual(before.Features, after.Features);
        Assert.All(after.Logits, v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_cancelled_feature_method_leaves_the_model_alone(string name)
    {
        using var model = SmallImages.Model();
        var weights = Weights(model);
        using var cancel = new CancellationTokenSource();
        var method = MethodRegistry.Create(name);
        Assert.Throws<OperationCanceledException>(
            () => method.Run(UnlearningContext.For(method, model, Split()), new CancelAtOnce(cancel), cancel.Token));
        Assert.Null(model.Erasure);
        Assert.Equal(weights, Weights(model));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Options_of_other_methods_are_refused(string name)
    {
        using var model = SmallImages.Model();
        foreach (var options in new[]
        {
            new UnlearningOptions { Percent = 5 }, new UnlearningOptions { Directions = 2 }, new UnlearningOptions { Solver = "svd" },
            new UnlearningOptions { Mode = UnlearningMode.Official },
            new UnlearningOptions { Parameters = new Dictionary<string, double> { ["no-such"] = 1 } },
        })
        {
            Assert.Contains(name, Assert.Throws<UsageException>(() => Run(model, name, Split(), options)).Message, StringComparison.Ordinal);
        }

        Assert.Null(model.Erasure);
    }

    [Theory]
    [InlineData("leace")]
    [InlineData("splince")]
    public void The_model_itself_has_no_covariance_with_the_concept_left(string name)
    {
        // The solver is tested in float64; here the erasure runs in float32, in the compiled plan.
        using var model = SmallImages.Model();
        var split = Split();
        // Strong shrinkage would be fine too; the guarantee does not depend on it.
        Run(model, name, split);
        double[] forget = Mean(FeatureBank.Extract(model, split.Forget)), remain = Mean(FeatureBank.Extract(model, split.Remain));
        using var original = SmallImages.Model();
        double[] forgetBefore = Mean(FeatureBank.Extract(original, split.Forget)), remainBefore = Mean(FeatureBank.Extract(original, split.Remain));
        var gap = forgetBefore.Zip(remainBefore, (a, b) => Math.Abs(a - b)).Max();
        // Cov(x, z) is a multiple of the difference of the sides' means.
        Assert.All(forget.Zip(remain, (a, b) => a - b), v => Assert.InRange(v, -1e-3 * gap, 1e-3 * gap));
    }

    [Fact]
    public void Remap_turns_the_forgotten_prototype_into_the_target_and_the_seed_chooses_it()
    {
        var split = Split();
        var targets = new HashSet<int>();
        for (var seed = 0UL; seed < 6; seed++)
        {
            using var model = SmallImages.Model();
            double[][] before = [.. Enumerable.Range(0, 4).Select(c => Prototype(model, split, c))];
            var result = Run(model, "remap", split, new UnlearningOptions { Seed = seed });
            var note = Assert.Single(result.Notes);
            var target = Array.FindIndex(SmallImages.Names, n => note.EndsWith(n, StringComparison.Ordinal));
            targets.Add(target);
            var after = Prototype(model, split, 2);
            var scale = before[target].Max(Math.Abs);
            Assert.All(after.Zip(before[target], (a, b) => a - b), v => Assert.InRange(v, -1e-3 * scale, 1e-3 * scale));
        }

        Assert.InRange(targets.Count, 2, 3);
        Assert.DoesNotContain(2, targets);
    }

    [Fact]
    public void Several_experts_are_the_mean_of_as_many_targets()
    {
        using var model = SmallImages.Model();
        var split = Split();
        double[][] before = [.. Enumerable.Range(0, 4).Select(c => Prototype(model, split, c))];
        Run(model, "remap", split, With("experts", 3));
        var expected = Enumerable.Range(0, model.FeatureWidth).Select(j => (before[0][j] + before[1][j] + before[3][j]) / 3).ToArray();
        var scale = expected.Max(Math.Abs);
        Assert.All(Prototype(model, split, 2).Zip(expected, (a, b) => a - b), v => Assert.InRange(v, -1e-3 * scale, 1e-3 * scale));
        Assert.Contains("experts", Assert.Throws<UsageException>(() => Run(model, "remap", split, With("experts", 4))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("po-erase")]
    [InlineData("remap")]
    public void Prototypes_want_whole_classes(string name)
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForIndices([0, 1, 2]));
        Assert.Contains("whole classes", Assert.Throws<UsageException>(() => Run(model, name, split)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("leace")]
    [InlineData("splince")]
    [InlineData("inlp")]
    public void A_request_for_images_is_one_concept(string name)
    {
        using var model = SmallImages.Model();
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForIndices([.. Enumerable.Range(0, 30)]));
        Run(model, name, split, name == "inlp" ? With("iterations", 1) : null);
        Assert.InRange(Assert.Single(model.Erasure!.Factors).Rank, 0, 1);
    }

    [Fact]
    public void Requests_one_after_another_add_their_factors()
    {
        using var model = SmallImages.Model();
        Run(model, "leace", Split(2));
        Run(model, "mean-direction", Split(1));
        Assert.Equal(["leace", "mean-direction"], model.Erasure!.Factors.Select(f => f.Origin["method"]));
        var mean = Mean(FeatureBank.Extract(model, Split(1).Forget));
        Assert.All(mean, v => Assert.InRange(v, -1e-4, 1e-4));
    }

    [Fact]
    public void A_method_for_the_forgetting_data_only_does_not_read_the_rest()
    {
        using var model = SmallImages.Model();
        Assert.Equal(DataUse.ForgetOnly, new MeanDirection().DataUse);
        new MeanDirection().Run(new UnlearningContext(model, Split().Forget));
        Assert.NotNull(model.Erasure);
    }

    internal static ForgetSplit Split(int classNumber = 2) => ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(classNumber));

    internal static UnlearningOptions With(string name, double value) =>
        new() { Parameters = new Dictionary<string, double> { [name] = value } };

    internal static float[] Weights(Classifier model) =>
        [.. model.NamedParameters.SelectMany(p => p.Parameter.Value.ToArray()), .. model.NamedBuffers.Where(b => !b.Name.Contains("left") && !b.Name.Contains("right")).SelectMany(b => b.Buffer.ToArray())];

    internal static UnlearningResult Run(Classifier model, string name, ForgetSplit split, UnlearningOptions? options = null)
    {
        model.Training = false;
        var method = MethodRegistry.Create(name);
        return method.Run(UnlearningContext.For(method, model, split, options));
    }

    private static double[] Prototype(Classifier model, ForgetSplit split, int label)
    {
        var set = label == 2 ? split.Forget : split.Remain;
        int[] own = [.. Enumerable.Range(0, set.Count).Where(i => set.Label(i) == label)];
        return Mean(FeatureBank.Extract(model, set.Subset(own, "class")));
    }

    private static double[] Mean(FeatureBank bank) =>
        [.. Enumerable.Range(0, bank.Width).Select(j => Enumerable.Range(0, bank.Count).Average(i => (double)bank.Features[(i * bank.Width) + j]))];

    private sealed class CancelAtOnce(CancellationTokenSource source) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => source.Cancel();
    }
}
