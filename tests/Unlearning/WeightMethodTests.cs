using EscNative.Models.Erasure;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

/// <summary>What the methods have in common that edit weights in one go.</summary>
public sealed class WeightMethodTests
{
    public static TheoryData<string> Names => ["fisher", "kodge", "ssd"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_run_changes_weights_and_leaves_mode_and_statistics(string name)
    {
        using var model = SmallImages.Model();
        var before = KodgeTests.Values(model);
        var method = MethodRegistry.Create(name);
        model.Training = true;
        var options = name == "ssd" ? FeatureMethodTests.With("alpha", 1) : new UnlearningOptions();
        var result = method.Run(UnlearningContext.For(method, model, KodgeTests.Small(), options));
        Assert.True(model.Training);
        Assert.Null(model.Erasure);
        Assert.Equal(name, result.Method);
        Assert.Equal(method.Parameters.Select(p => p.Name).Order(StringComparer.Ordinal), result.Parameters.Keys);
        var after = KodgeTests.Values(model);
        Assert.All(after, v => Assert.All(v.Value, x => Assert.True(float.IsFinite(x))));
        Assert.Contains(after, v => !v.Value.SequenceEqual(before[v.Key]));
        Assert.All(after.Where(v => v.Key.Contains("running", StringComparison.Ordinal)), v => Assert.Equal(before[v.Key], v.Value));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_cancelled_run_leaves_every_bit(string name)
    {
        using var model = SmallImages.Model();
        var before = FeatureMethodTests.Weights(model);
        foreach (var after in new[] { 1, 8, int.MaxValue })
        {
            using var cancel = new CancellationTokenSource();
            var method = MethodRegistry.Create(name);
            Assert.Throws<OperationCanceledException>(() => method.Run(
                UnlearningContext.For(method, model, KodgeTests.Small(), FeatureMethodTests.With("alpha" + (name == "kodge" ? "-forget" : ""), 1)), new CancelAt(cancel, after), cancel.Token));
            Assert.Equal(before, FeatureMethodTests.Weights(model));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_erased_model_and_options_of_other_methods_are_refused(string name)
    {
        using var model = SmallImages.Model();
        Assert.Throws<UsageException>(() => FeatureMethodTests.Run(model, name, KodgeTests.Small(), new UnlearningOptions { Percent = 5 }));
        model.Erase(new ErasureOperator(model.FeatureWidth));
        var error = Assert.Throws<UsageException>(() => FeatureMethodTests.Run(model, name, KodgeTests.Small()));
        Assert.Contains("erasure", error.Message, StringComparison.Ordinal);
    }

    // With the largest number it cancels where everything is done but for the writing.
    private sealed class CancelAt(CancellationTokenSource source, int done) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Done >= Math.Min(done, value.Total) && (done != int.MaxValue || value.Stage is not "forward"))
                source.Cancel();
        }
    }
}
