using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>Every method leaves the model in the mode in which it got it, however it ends, and the running statistics alone where it has
/// no business with them.</summary>
public sealed class TrainingModeTests
{
    /// <summary>Those that train in training mode move the statistics; so does a network that is trained anew.</summary>
    private static bool MovesStatistics(string name) => MethodRegistry.Create(name) is TrainingMethod && name != "lau";

    public static TheoryData<string> Methods => [.. MethodRegistry.Names];

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_that_ends_keeps_mode_and_statistics(string name)
    {
        foreach (var training in (bool[])[false, true])
        {
            using var model = Model(training);
            var before = Statistics(model);
            Run(name, model);
            AssertMode(model, training);
            if (MovesStatistics(name))
                Assert.NotEqual(before, Statistics(model));
            else
                Assert.Equal(before, Statistics(model));
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_that_is_cancelled_or_fails_keeps_mode_and_statistics(string name)
    {
        foreach (var training in (bool[])[false, true])
        {
            using var model = Model(training);
            var before = Statistics(model);
            using var cancelled = new CancellationTokenSource();
            cancelled.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => Run(name, model, cancel: cancelled.Token));
            AssertMode(model, training);
            Assert.Equal(before, Statistics(model));
            // At its first word, and as late as it says one.
            var reports = 0;
            using (var other = Model(training))
                Run(name, other, new Told(_ => reports++));
            Assert.True(reports > 0, $"{name} never reported");
            foreach (var at in new[] { 1, reports }.Distinct())
            {
                var seen = 0;
                Assert.Throws<TimeoutException>(() => Run(name, model, new Told(_ =>
                {
                    if (++seen == at)
                        throw new TimeoutException("as it was told");
                })));
                AssertMode(model, training);
                Assert.Equal(before, Statistics(model));
            }
        }
    }

    [Theory]
    [InlineData("esc")]
    [InlineData("esc-t")]
    public void Official_mode_passes_in_training_mode_and_comes_back(string name)
    {
        foreach (var training in (bool[])[false, true])
        {
            using var model = Model(training);
            var method = MethodRegistry.Create(name);
            method.Run(UnlearningContext.For(method, model, Tiny.Split, Options(method) with { Mode = UnlearningMode.Official }));
            AssertMode(model, training);
        }
    }

    private static void Run(string name, Classifier model, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
    {
        var method = MethodRegistry.Create(name);
        method.Run(UnlearningContext.For(method, model, Tiny.Split, Options(method)), progress, cancel);
    }

    // The default share of eight directions is none.
    private static UnlearningOptions Options(IUnlearningMethod method) => Tiny.Options(method) with { Directions = method.Name == "esc" ? 2 : null };

    private static Classifier Model(bool training)
    {
        var model = Tiny.Model(width: 0.05);
        model.Training = training;
        return model;
    }

    private static void AssertMode(Classifier model, bool training) =>
        Assert.All(model.NamedModules, m => Assert.True(m.Module.Training == training, $"{m.Name} is in the other mode"));

    private static float[] Statistics(Classifier model) =>
    [
        .. model.NamedBuffers.SelectMany(b => b.Buffer.ToArray()),
        .. model.NamedModules.Select(m => m.Module).OfType<BatchNorm2d>().Select(norm => (float)norm.BatchesTracked),
    ];

    private sealed class Told(Action<StageProgress> report) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => report(value);
    }
}
