using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Unlearning;

/// <summary>ESC-T as a method, on the CPU or, with ESC_TEST_DEVICE=cuda, on a GPU or the emulated one.</summary>
public sealed class EscTTests
{
    // Few images and steps: the emulated device is slow.
    private static ForgetSplit Split(int classNumber = 2) =>
        ForgetSplit.Create(SmallImages.Data(train: 100), ForgetRequest.ForClasses(classNumber));

    [Fact]
    public void The_class_is_no_longer_recognised_and_the_operator_is_what_the_record_says()
    {
        using var model = Knowing(2);
        var result = Run(model, Options(("batch", 8)));
        Assert.Equal("esc-t", result.Method);
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
        Assert.Equal(8, result.Parameters["batch"]);
        Assert.Equal(0.7, result.Parameters["tau"]);
        Assert.True(result.Steps > 0);
        var factor = Assert.Single(model.Erasure!.Factors);
        Assert.Equal(ErasureKind.Masked, factor.Kind);
        Assert.Equal("esc-t", factor.Origin["method"]);
        Assert.Equal("0", factor.Origin["hits-left-soft"]);
        Assert.Equal(Hits(model, Split().Forget), int.Parse(factor.Origin["hits-left"], CultureInfo.InvariantCulture));
        Assert.InRange(double.Parse(factor.Origin["share-below-tau"], CultureInfo.InvariantCulture), 1e-9, 1);
        // Binary: an entry of A is U's or 0, so that AᵀA has no entry above 1 on its diagonal; no column is empty.
        for (var c = 0; c < factor.Rank; c++)
        {
            var column = Enumerable.Range(0, factor.Width).Sum(i => factor.Left[(i * factor.Rank) + c] * factor.Left[(i * factor.Rank) + c]);
            Assert.InRange(column, 1e-12, 1 + 1e-9);
        }
    }

    [Fact]
    public void No_epoch_is_the_identity()
    {
        // Oracle 6, with as many features as there are directions, fewer, and one.
        foreach (var count in (int[])[25, 6, 1])
        {
            using var model = Knowing(2);
            var forget = Split().Forget.Subset([.. Enumerable.Range(0, count)], "some");
            var result = Run(model, Options(("epochs", 0)), forget);
            Assert.Equal(0, result.Steps);
            AssertIdentity(model);
            Assert.Contains(result.Notes, n => n.Contains("stopped by the number of epochs", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("gram-eigen")]
    [InlineData("svd")]
    public void The_basis_is_square_and_orthonormal_however_few_features_there_are(string solver)
    {
        var random = new Random(5);
        foreach (var (n, d) in ((int, int)[])[(40, 11), (5, 11), (1, 7), (3, 1)])
        {
            var rows = LinearAlgebra.Matrices.Random(n, d, random).Select(v => (float)v).ToArray();
            var basis = EscT.SquareBasis(new SubspaceProblem(rows, n, d), solver);
            Assert.Equal(d * d, basis.Length);
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                    Assert.Equal(i == j ? 1 : 0, Enumerable.Range(0, d).Sum(k => basis[(k * d) + i] * basis[(k * d) + j]), 10);
            }
        }
    }

    [Fact]
    public void What_was_never_recognised_is_not_erased()
    {
        using var model = Knowing(2);
        // All of class 2 is predicted as 2, so none of it is a hit under another label.
        var forget = Relabelled(Split().Forget, 1);
        var result = Run(model, Options(), forget);
        Assert.Equal(0, result.Steps);
        Assert.Contains(result.Notes, n => n.Contains("no image was predicted right to begin with", StringComparison.Ordinal));
        AssertIdentity(model);
    }

    [Fact]
    public void Features_that_are_all_zero_are_said_and_change_nothing()
    {
        using var model = Knowing(2);
        foreach (var (name, parameter) in model.NamedParameters)
        {
            if (name.StartsWith("features", StringComparison.Ordinal))
                parameter.Value.CopyFrom<float>(new float[parameter.Shape.Count]);
        }

        var result = Run(model, Options());
        Assert.Contains(result.Notes, n => n.Contains("all features are zero", StringComparison.Ordinal));
        AssertIdentity(model);
    }

    [Fact]
    public void A_second_request_multiplies_with_the_first_in_order()
    {
        using var model = Knowing(2);
        Run(model, Options());
        var first = model.Erasure!.ToDense();
        new EscT().Run(new UnlearningContext(model, Split(1).Forget, Options()));
        Assert.Equal(2, model.Erasure!.Factors.Count);
        var second = new ErasureOperator(model.FeatureWidth, model.Erasure.Factors[1]).ToDense();
        var d = model.FeatureWidth;
        var product = model.Erasure.ToDense();
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
                Assert.Equal(Enumerable.Range(0, d).Sum(k => second[(i * d) + k] * first[(k * d) + j]), product[(i * d) + j], 10);
        }

        Assert.Equal(0, Hits(model, Split(1).Forget));
    }

    [Fact]
    public void After_ESC_the_mask_learns_on_what_ESC_left()
    {
        using var model = Knowing(2);
        new Esc().Run(new UnlearningContext(model, Split(1).Forget, new UnlearningOptions { Directions = 1 }));
        Run(model, Options());
        Assert.Equal([ErasureKind.Projection, ErasureKind.Masked], model.Erasure!.Factors.Select(f => f.Kind));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Equal_seeds_give_equal_bits_under_every_augmentation(int augmentation)
    {
        var options = Options(("augmentation", augmentation), ("epochs", 3), ("batch", 8));
        Assert.Equal(Operator(options), Operator(options));
    }

    [Fact]
    public void Pairs_kept_and_features_computed_anew_draw_the_same_flips()
    {
        // The stop rule differs: of pairs both images are judged. So: as many epochs as both can use.
        var kept = Mask(Options(("augmentation", 1), ("epochs", 2), ("batch", 8), ("learning-rate", 0.02)));
        var anew = Mask(Options(("augmentation", 2), ("epochs", 2), ("batch", 8), ("learning-rate", 0.02)));
        var plain = Mask(Options(("epochs", 2), ("batch", 8), ("learning-rate", 0.02)));
        Assert.Contains(kept, m => m < 1);
        var apart = kept.Zip(anew, (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(apart, 0, 1e-4);
        Assert.True(kept.Zip(plain, (a, b) => Math.Abs(a - b)).Max() > 3 * apart, "the flips had no influence");
    }

    [Theory]
    [InlineData(UnlearningMode.Paper)]
    [InlineData(UnlearningMode.Official)]
    public void A_run_taken_up_ends_with_the_bits_of_one_that_was_not_interrupted(UnlearningMode mode)
    {
        using var folder = new TemporaryFolder();
        var path = folder["mask.safetensors"];
        var options = Options(("epochs", 4), ("batch", 8), ("learning-rate", 0.005)) with { Mode = mode };
        var wanted = Operator(options, out var whole);
        using var cancel = new CancellationTokenSource();
        using (var model = Knowing(2))
        {
            var before = State(model);
            var context = new UnlearningContext(model, Split().Forget, options) { CheckpointPath = path };
            Assert.Throws<OperationCanceledException>(() => new EscT().Run(context, new CancelAfter(cancel, 2), cancel.Token));
            Assert.Null(model.Erasure);
            Assert.Equal(before, State(model));
        }

        Checkpoints.SaySeconds(path, "escnative.mask.seconds");
        using var again = Knowing(2);
        var result = new EscT().Run(new UnlearningContext(again, Split().Forget, options) { CheckpointPath = path, Resume = true });
        Assert.InRange(result.Seconds, 3600, 7200);
        Assert.Equal(wanted, again.Erasure!.ToDense());
        Assert.Equal(whole.Steps, result.Steps);
        Assert.Equal(whole.Notes, result.Notes);

        // Another rate is another run.
        using var other = Knowing(2);
        var foreign = new UnlearningContext(other, Split().Forget, Options(("learning-rate", 3))) { CheckpointPath = path, Resume = true };
        Assert.Throws<DataFormatException>(() => new EscT().Run(foreign));

        Assert.All(Checkpoints.NoSeconds, seconds =>
        {
            Checkpoints.SaySeconds(path, "escnative.mask.seconds", seconds);
            var damaged = new UnlearningContext(other, Split().Forget, options) { CheckpointPath = path, Resume = true };
            Assert.Contains($"'{seconds}', wants seconds", Assert.Throws<DataFormatException>(() => new EscT().Run(damaged)).Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_time_limit_ends_it_between_epochs_and_is_said()
    {
        using var model = Knowing(2);
        var result = Run(model, Options(("seconds", 1e-9), ("learning-rate", 1e-6)));
        Assert.Contains(result.Notes, n => n.Contains("stopped by the time limit", StringComparison.Ordinal));
        Assert.Contains(result.Notes, n => n.StartsWith("0 epochs", StringComparison.Ordinal));
    }

    [Fact]
    public void Official_mode_moves_the_running_statistics_twice_and_is_deterministic()
    {
        using var model = Knowing(2);
        var before = State(model);
        var result = Run(model, Options(("epochs", 1), ("batch", 8)) with { Mode = UnlearningMode.Official });
        Assert.NotEqual(before, State(model));
        Assert.Contains(result.Notes, n => n.Contains("running statistics", StringComparison.Ordinal));
        // Two passes of ceil(25 / 8) batches, oracle 8: what is left of the old statistics is 0.9^8 of them.
        using var twin = Knowing(2);
        twin.Training = true;
        foreach (var epoch in (int[])[0, 1])
        {
            var loader = new BatchLoader(Split().Forget, twin.Description.Normalisation, new BatchOptions
            {
                BatchSize = 8,
                Shuffle = true,
                Augmentation = Augmentation.Flip,
                Seed = 42,
                Device = twin.Device,
            });
            using var noGrad = Tensor.NoGrad();
            foreach (var batch in loader.Epoch(epoch))
            {
                using var scope = Tensor.Scope();
                twin.Features(batch.Images);
            }
        }

        Assert.Equal(State(twin), State(model));
        Assert.Equal(
            Operator(Options(("epochs", 2), ("batch", 8)) with { Mode = UnlearningMode.Official }),
            Operator(Options(("epochs", 2), ("batch", 8)) with { Mode = UnlearningMode.Official }));
    }

    [Fact]
    public void Paper_mode_leaves_the_running_statistics_to_the_bit()
    {
        using var model = Knowing(2);
        var before = State(model);
        Run(model, Options());
        Assert.Equal(before, State(model));
    }

    [Fact]
    public void Options_that_it_has_no_use_for_are_refused()
    {
        using var model = Knowing(2);
        Assert.Contains("directions", Refused(new UnlearningOptions { Directions = 3 }), StringComparison.Ordinal);
        Assert.Contains("directions", Refused(new UnlearningOptions { Percent = 1.5 }), StringComparison.Ordinal);
        Assert.Contains("subspace-iteration", Refused(new UnlearningOptions { Solver = "subspace-iteration" }), StringComparison.Ordinal);
        Assert.Contains("tau", Refused(Options(("tau", 1.5))), StringComparison.Ordinal);
        Assert.Contains("learning-rate", Refused(Options(("step", 1))), StringComparison.Ordinal);
        Assert.Contains("official mode", Refused(Options(("augmentation", 1)) with { Mode = UnlearningMode.Official }), StringComparison.Ordinal);
        Assert.Null(model.Erasure);

        string Refused(UnlearningOptions options) => Assert.Throws<UsageException>(() => Run(model, options)).Message;
    }

    [Fact]
    public void It_sees_the_forgetting_data_only()
    {
        Assert.Equal(DataUse.ForgetOnly, MethodRegistry.Create("esc-t").DataUse);
        using var model = Knowing(2);
        var context = UnlearningContext.For(new EscT(), model, Split(), Options());
        new EscT().Run(context);
        Assert.Throws<EscException>(() => context.Remain);
    }

    private static void AssertIdentity(Classifier model)
    {
        var p = model.Erasure!.ToDense();
        var d = model.FeatureWidth;
        for (var i = 0; i < p.Length; i++)
            Assert.Equal(i % (d + 1) == 0 ? 1 : 0, p[i], 10);
    }

    // An untrained network whose head tells two classes from all others, at the middle between the means of their features.
    private static Classifier Knowing(int classNumber)
    {
        var model = SmallImages.Model();
        model.Training = false;
        var d = model.FeatureWidth;
        var (weight, bias) = (new float[model.Classes * d], new float[model.Classes]);
        var bank = FeatureBank.Extract(model, SmallImages.Data(train: 100).Train);
        foreach (var known in (int[])[classNumber, 1])
        {
            var inside = Enumerable.Range(0, d).Select(j => Enumerable.Range(0, bank.Count).Where(i => bank.Labels[i] == known).Average(i => (double)bank.Features[(i * d) + j])).ToArray();
            var outside = Enumerable.Range(0, d).Select(j => Enumerable.Range(0, bank.Count).Where(i => bank.Labels[i] != known).Average(i => (double)bank.Features[(i * d) + j])).ToArray();
            var apart = inside.Zip(outside, (a, b) => (a - b) * (a - b)).Sum();
            for (var j = 0; j < d; j++)
            {
                weight[(known * d) + j] = (float)(10 * (inside[j] - outside[j]) / apart);
                bias[known] -= (float)(5 * (inside[j] - outside[j]) * (inside[j] + outside[j]) / apart);
            }
        }

        model.Head.Weight.Value.CopyFrom<float>(weight);
        model.Head.Bias!.Value.CopyFrom<float>(bias);
        var split = Split(classNumber).Forget;
        Assert.Equal(split.Count, Hits(model, split));
        return model;
    }

    private static int Hits(Classifier model, ImageSet images) => (int)Math.Round(FeatureBank.Extract(model, images).Accuracy * images.Count / 100);

    private static float[] State(Classifier model) => [.. model.NamedBuffers.Where(b => b.Name.Contains("running", StringComparison.Ordinal)).SelectMany(b => b.Buffer.ToArray())];

    private static ImageSet Relabelled(ImageSet set, int label)
    {
        var pixels = Enumerable.Range(0, set.Count).SelectMany(i => set.Pixels(i).ToArray()).ToArray();
        return new ImageSet("relabelled", pixels, [.. Enumerable.Repeat(label, set.Count)], set.Height, set.Width, set.Channels, set.ClassNames);
    }

    private static UnlearningOptions Options(params (string Name, double Value)[] parameters) =>
        new() { Parameters = parameters.ToDictionary(p => p.Name, p => p.Value) };

    private static UnlearningResult Run(Classifier model, UnlearningOptions options, ImageSet? forget = null) =>
        new EscT().Run(new UnlearningContext(model, forget ?? Split().Forget, options));

    private static double[] Operator(UnlearningOptions options) => Operator(options, out _);

    private static double[] Operator(UnlearningOptions options, out UnlearningResult result)
    {
        using var model = Knowing(2);
        result = Run(model, options);
        return model.Erasure!.ToDense();
    }

    // The soft mask, which only the checkpoint shows.
    private static float[] Mask(UnlearningOptions options)
    {
        using var folder = new TemporaryFolder();
        using var model = Knowing(2);
        var path = folder["mask.safetensors"];
        new EscT().Run(new UnlearningContext(model, Split().Forget, options) { CheckpointPath = path });
        using var file = SafetensorsFile.Open(path);
        return file.Read("mask").ToFloat32();
    }

    private sealed class CancelAfter(CancellationTokenSource source, long epochs) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == "mask" && value.Done >= epochs)
                source.Cancel();
        }
    }
}
