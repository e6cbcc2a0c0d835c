using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>What every training method owes its caller, whatever it trains.</summary>
public sealed class TrainingMethodTests
{
    public static TheoryData<string> Methods => [.. Tiny.Methods];

    [Fact]
    public void The_baselines_are_registered_under_their_own_names()
    {
        string[] wanted = ["badt", "bs", "finetune", "l1-sparse", "neggrad-plus", "ng", "retrain", "rl", "salun", "scrub"];
        Assert.Subset(Tiny.Methods.ToHashSet(), wanted.ToHashSet());
        foreach (var name in wanted)
            Assert.Equal(name, MethodRegistry.Create(name).Name);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_run_changes_the_weights_counts_its_steps_and_leaves_evaluation_mode(string name)
    {
        var method = MethodRegistry.Create(name);
        using var model = Tiny.Model();
        var before = Tiny.Values(model);
        var steps = 0;
        var result = Tiny.Run(method, model, Tiny.Options(method), new Told(p => steps += p.Stage.StartsWith("epoch", StringComparison.Ordinal) ? 1 : 0));
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
        Assert.Equal(name, result.Method);
        Assert.Equal(steps, result.Steps);
        Assert.Equal(6, result.Images);
        Assert.Equal(method.Parameters.Select(p => p.Name).Order(StringComparer.Ordinal), result.Parameters.Keys);
        Assert.NotEqual(before, Tiny.Values(model));
        Assert.All(Tiny.Values(model), v => Assert.True(float.IsFinite(v)));
        Assert.False(model.Training);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_run_that_is_cancelled_at_any_step_leaves_the_model_as_it_was(string name)
    {
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method, ("epochs", 2));
        var reports = 0;
        using (var model = Tiny.Model())
            Tiny.Run(method, model, options, new Told(_ => reports++));
        // After the last report there is nothing left to cancel.
        for (var at = 0; at < reports; at++)
        {
            using var model = Tiny.Model();
            model.Training = at % 2 == 0;
            var before = Tiny.Values(model);
            using var cancel = new CancellationTokenSource();
            if (at == 0)
                cancel.Cancel();
            var seen = 0;
            Assert.Throws<OperationCanceledException>(() => Tiny.Run(
                method, model, options, new Told(_ =>
                {
                    if (++seen == at)
                        cancel.Cancel();
                }),
                cancel: cancel.Token));
            Assert.Equal(before, Tiny.Values(model));
            Assert.Equal(at % 2 == 0, model.Training);
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_run_taken_up_after_any_epoch_gives_the_bits_of_an_uninterrupted_one(string name)
    {
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method);
        using var folder = new TemporaryFolder();
        using var whole = Tiny.Model();
        var expected = Tiny.Run(method, whole, options);
        for (var epoch = 2; epoch <= 3; epoch++)
        {
            var path = folder[$"{epoch}.safetensors"];
            using var cancel = new CancellationTokenSource();
            using (var first = Tiny.Model())
            {
                var stop = new Told(p =>
                {
                    if (p.Stage.StartsWith($"epoch {epoch}", StringComparison.Ordinal))
                        cancel.Cancel();
                });
                if (Cancelled(() => Tiny.Run(method, first, options, stop, path, cancel: cancel.Token)))
                    Assert.Equal(Tiny.Values(first), Original());
            }

            using var second = Tiny.Model();
            // One that ended by itself in its first epoch has left none.
            var before = -1.0;
            if (File.Exists(path))
            {
                using var file = SafetensorsFile.Open(path);
                before = double.Parse(file.Metadata["escnative.unlearning.seconds"], CultureInfo.InvariantCulture);
            }

            var result = Tiny.Run(method, second, options, checkpoint: path, resume: File.Exists(path));
            Assert.True(before != 0 && result.Seconds > before, $"{before} s, then {result.Seconds} s in all");
            Assert.Equal(Tiny.Values(whole), Tiny.Values(second));
            Assert.Equal(expected.Steps, result.Steps);
            Assert.Equal(expected.Notes, result.Notes);
        }
    }

    /// <summary>LAU draws nothing but its batches, and ends at once where no image is predicted as its class: neither a seed nor a rate shows here.</summary>
    public static TheoryData<string> Drawing => [.. Tiny.Methods.Where(name => name != "lau")];

    [Theory]
    [MemberData(nameof(Drawing))]
    public void Equal_seeds_give_equal_bits_for_any_number_of_threads_and_others_do_not(string name)
    {
        var method = MethodRegistry.Create(name);
        // Steps large enough for another order of the images to show.
        var options = Tiny.Options(method, ("epochs", 2), ("learning-rate", 0.01));
        var before = CpuParallel.Threads;
        try
        {
            CpuParallel.Threads = 1;
            var expected = Tiny.After(method, options);
            CpuParallel.Threads = 2;
            Assert.Equal(expected, Tiny.After(method, options));
            Assert.NotEqual(expected, Tiny.After(method, options with { Seed = 12 }));
        }
        finally
        {
            CpuParallel.Threads = before;
        }
    }

    [Theory]
    [MemberData(nameof(Drawing))]
    public void An_absurd_learning_rate_ends_with_the_model_as_it_was_given_and_a_note(string name)
    {
        var method = MethodRegistry.Create(name);
        using var model = Tiny.Model();
        var before = Tiny.Values(model);
        var result = Tiny.Run(method, model, Tiny.Options(method, ("learning-rate", 1e30)));
        Assert.Equal(UnlearningOutcome.Diverged, result.Outcome);
        Assert.Contains(result.Notes, n => n.StartsWith("diverged: ", StringComparison.Ordinal) && n.Contains("epoch 1 of 3", StringComparison.Ordinal) && n.Contains("step", StringComparison.Ordinal));
        Assert.Equal(before, Tiny.Values(model));
        Assert.False(model.Training);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1e7)]
    public void Where_a_later_epoch_diverges_the_last_sound_one_stays(double loss)
    {
        using var model = Tiny.Model();
        var result = Tiny.Run(new Exploding(epoch: 2, loss), model, Tiny.Options(new Exploding(2, loss)));
        using var sound = Tiny.Model();
        Tiny.Run(new Exploding(epoch: 9, loss), sound, Tiny.Options(new Exploding(9, loss), ("epochs", 2)));
        Assert.Equal(UnlearningOutcome.Diverged, result.Outcome);
        Assert.Contains(result.Notes, n => n.Contains("that of epoch 2", StringComparison.Ordinal));
        Assert.Equal(Tiny.Values(sound), Tiny.Values(model));
    }

    [Fact]
    public void Its_stages_are_timed_where_a_recorder_is_set()
    {
        using var folder = new TemporaryFolder();
        var method = new Scrub();
        using var model = Tiny.Model();
        var recorder = new StageRecorder(model.Device);
        method.Run(new UnlearningContext(model, Tiny.Split.Forget, Tiny.Options(method), Tiny.Split.Remain)
        {
            HeldOut = Tiny.Split.ForgetTest,
            CheckpointPath = folder["run.safetensors"],
            Recorder = recorder,
        });
        Assert.Equal(["prepare", "load", "step", "check", "checkpoint", "choose"], recorder.Stages.Select(s => s.Name));
        Assert.All(recorder.Stages, stage => Assert.True(stage.Seconds > 0, stage.Name));
    }

    [Fact]
    public void A_method_that_fails_leaves_the_model_as_it_was()
    {
        using var model = Tiny.Model();
        var before = Tiny.Values(model);
        Assert.Throws<InvalidOperationException>(() => Tiny.Run(new Exploding(1, 0, fail: true), model, Tiny.Options(new Exploding(1, 0))));
        Assert.Equal(before, Tiny.Values(model));
    }

    [Fact]
    public void A_method_that_declared_the_forgetting_data_only_cannot_read_the_rest_even_where_it_is_there()
    {
        using var model = Tiny.Model();
        var before = Tiny.Values(model);
        var context = new UnlearningContext(model, Tiny.Split.Forget, new UnlearningOptions(), Tiny.Split.Remain);
        var error = Assert.Throws<EscException>(() => new Rogue().Run(context));
        Assert.Contains("forgetting data only", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Tiny.Values(model));
    }

    [Theory]
    [InlineData("ng")]
    [InlineData("rl")]
    [InlineData("bs")]
    public void A_forget_only_method_does_the_same_where_the_rest_is_there(string name)
    {
        var method = MethodRegistry.Create(name);
        Assert.Equal(DataUse.ForgetOnly, method.DataUse);
        using var model = Tiny.Model();
        method.Run(new UnlearningContext(model, Tiny.Split.Forget, Tiny.Options(method), Tiny.Split.Remain));
        Assert.Equal(Tiny.After(method, Tiny.Options(method)), Tiny.Values(model));
    }

    [Fact]
    public void What_makes_no_sense_is_refused_with_the_reason()
    {
        var method = new FineTune();
        var none = Tiny.Split.Forget.Subset([], "none");
        using var model = Tiny.Model();
        void Refused<T>(string reason, UnlearningOptions options, EscNative.Models.Data.ImageSet? forget = null, bool resume = false)
            where T : EscException
        {
            var context = new UnlearningContext(model, forget ?? Tiny.Split.Forget, options, Tiny.Split.Remain) { Resume = resume };
            Assert.Contains(reason, Assert.Throws<T>(() => method.Run(context)).Message, StringComparison.Ordinal);
        }

        Refused<UsageException>("no use", new UnlearningOptions { Percent = 1 });
        Refused<UsageException>("no use", new UnlearningOptions { Directions = 1 });
        Refused<UsageException>("no use", new UnlearningOptions { Mode = UnlearningMode.Official });
        Refused<UsageException>("checkpoint", new UnlearningOptions(), resume: true);
        Refused<EscException>("no image to forget", new UnlearningOptions(), none);
        Refused<UsageException>("epochs", Tiny.Options(method, ("epochs", 0)));
        Refused<UsageException>("flip", Tiny.Options(method, ("flip", 2)));
        var left = Assert.Throws<EscException>(() => method.Run(new UnlearningContext(model, Tiny.Split.Forget, new UnlearningOptions(), none)));
        Assert.Contains("no image that remains", left.Message, StringComparison.Ordinal);
        model.Erase(new ErasureOperator(model.FeatureWidth, ErasureFactor.Projection([1, .. new double[model.FeatureWidth - 1]], model.FeatureWidth)));
        Refused<UsageException>("erasure", new UnlearningOptions());
    }

    [Fact]
    public void A_checkpoint_of_another_run_or_no_checkpoint_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.safetensors"];
        var (method, options) = (new FineTune(), Tiny.Options(new FineTune(), ("epochs", 1)));
        using (var model = Tiny.Model())
            Tiny.Run(method, model, options, checkpoint: path);
        Refused("another run", method, options with { Seed = 1 });
        Refused("another run", method, Tiny.Options(method, ("epochs", 2)));
        Refused("another run", new Scrub(), Tiny.Options(new Scrub()));
        Refused("another run", method, options, seed: 6);
        foreach (var seconds in Checkpoints.NoSeconds)
        {
            Checkpoints.SaySeconds(path, "escnative.unlearning.seconds", seconds);
            Refused($"'{seconds}', wants seconds", method, options);
        }

        using (var model = Tiny.Model())
            ModelFile.Save(model, path, force: true);
        Refused("not a checkpoint of an unlearning run", method, options);

        void Refused(string reason, TrainingMethod other, UnlearningOptions wanted, ulong seed = 5)
        {
            using var model = Tiny.Model(seed: seed);
            var before = Tiny.Values(model);
            var error = Assert.Throws<DataFormatException>(() => Tiny.Run(other, model, wanted, checkpoint: path, resume: true));
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, Tiny.Values(model));
        }
    }

    private static float[] Original()
    {
        using var model = Tiny.Model();
        return Tiny.Values(model);
    }

    // A run that stops by itself before is no less a run to take up.
    private static bool Cancelled(Action run)
    {
        try
        {
            run();
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private sealed class Told(Action<StageProgress> report) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => report(value);
    }

    private sealed class Rogue : TrainingMethod
    {
        public override string Name => "rogue";

        public override string Description => "reads what it said it would not";

        public override DataUse DataUse => DataUse.ForgetOnly;

        public override IReadOnlyList<MethodParameter> Parameters => [TrainingParameters.LearningRate(0.1)];

        protected override TrainingTask Prepare(TrainingSetup setup)
        {
            // What it did before it is found out must be undone too.
            using var zeros = Tensor.Zeros(setup.Model.Head.Weight.Shape, device: setup.Model.Device);
            setup.Model.Head.Weight.Value.Assign(zeros);
            return new TrainingTask(setup.Adam(), setup.Remain.Count, _ => []);
        }
    }

    /// <summary>Fine-tuning whose loss becomes absurd in one epoch.</summary>
    private sealed class Exploding(int epoch, double loss, bool fail = false) : TrainingMethod
    {
        public override string Name => "exploding";

        public override string Description => "fails as it is told";

        public override DataUse DataUse => DataUse.ForgetOnly;

        public override IReadOnlyList<MethodParameter> Parameters { get; } =
        [
            TrainingParameters.Epochs(3), TrainingParameters.LearningRate(0.01), TrainingParameters.Momentum(0.9), TrainingParameters.WeightDecay(0),
            TrainingParameters.Batch(4),
        ];

        protected override TrainingTask Prepare(TrainingSetup setup)
        {
            var loader = setup.Loader(setup.Forget, TrainingStreams.Forget);
            return new TrainingTask(setup.Sgd(), setup.Epochs, e => [TrainingPass.Over(loader, e, batch =>
            {
                if (e == epoch && fail)
                    throw new InvalidOperationException("as it was told");
                return e == epoch ? setup.CrossEntropy(batch) + loss : setup.CrossEntropy(batch);
            })]);
        }
    }
}
