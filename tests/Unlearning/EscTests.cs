using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Engine;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

public sealed class EscTests
{
    private static ForgetSplit Split(int classNumber = 2) =>
        ForgetSplit.Create(SmallImages.Data(train: 200), ForgetRequest.ForClasses(classNumber));

    [Fact]
    public void The_projector_is_one_and_the_erased_features_have_nothing_left_in_its_directions()
    {
        using var model = SmallImages.Model();
        var result = Run(model, Split().Forget, new UnlearningOptions { Directions = 3 });
        var p = model.Erasure!.ToDense();
        var d = model.FeatureWidth;
        // Oracle 1: symmetric, idempotent, trace d - k.
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                Assert.Equal(p[(i * d) + j], p[(j * d) + i], 12);
                var square = Enumerable.Range(0, d).Sum(m => p[(i * d) + m] * p[(m * d) + j]);
                Assert.Equal(p[(i * d) + j], square, 12);
            }
        }

        Assert.Equal(d - 3, Enumerable.Range(0, d).Sum(i => p[(i * d) + i]), 10);
        var features = FeatureBank.Extract(model, Split().Forget).Features;
        for (var row = 0; row < features.Length; row += d)
        {
            for (var k = 0; k < 3; k++)
                Assert.Equal(0, Enumerable.Range(0, d).Sum(i => features[row + i] * result.Subspace!.Basis[(i * 3) + k]), 4);
        }
    }

    [Fact]
    public void The_folded_head_gives_the_scores_of_the_explicit_projection()
    {
        // Oracle 3, within 1e-5 relative: the projection runs in float32, the folding in float64.
        using var model = SmallImages.Model();
        var images = SmallImages.Set(20, 8);
        var raw = FeatureBank.Extract(model, images);
        Run(model, Split().Forget, new UnlearningOptions { Directions = 2 });
        var erased = FeatureBank.Extract(model, images);
        var (weight, bias) = model.Erasure!.FoldInto(
            [.. model.Head.Weight.Value.ToArray().Select(v => (double)v)], [.. model.Head.Bias!.Value.ToArray().Select(v => (double)v)]);
        var scale = erased.Logits.Max(Math.Abs);
        for (var i = 0; i < images.Count; i++)
        {
            for (var c = 0; c < 4; c++)
            {
                var score = bias[c] + Enumerable.Range(0, 24).Sum(j => weight[(c * 24) + j] * raw.Features[(i * 24) + j]);
                Assert.InRange(erased.Logits[(i * 4) + c], score - (1e-5 * scale), score + (1e-5 * scale));
            }
        }
    }

    [Fact]
    public void Nothing_to_remove_is_the_identity_bit_for_bit()
    {
        using var model = SmallImages.Model();
        var images = SmallImages.Set(20, 8);
        var before = FeatureBank.Extract(model, images);
        Run(model, Split().Forget, new UnlearningOptions { Percent = 0 });
        var after = FeatureBank.Extract(model, images);
        Assert.Equal(before.Features, after.Features);
        Assert.Equal(before.Logits, after.Logits);
    }

    [Fact]
    public void Requests_one_after_another_compose_to_a_projector()
    {
        // Oracle 4: rank d - k1 - k2, and the product is symmetric: the order of the factors does not matter.
        using var model = SmallImages.Model();
        Run(model, Split(2).Forget, new UnlearningOptions { Directions = 2 });
        Run(model, Split(1).Forget, new UnlearningOptions { Directions = 3 });
        var p = model.Erasure!.ToDense();
        var d = model.FeatureWidth;
        Assert.Equal(d - 5, Enumerable.Range(0, d).Sum(i => p[(i * d) + i]), 10);
        var bases = model.Erasure.Factors;
        var joint = new double[d * 5];
        for (var i = 0; i < d; i++)
        {
            for (var k = 0; k < 5; k++)
                joint[(i * 5) + k] = k < 2 ? bases[0].Left[(i * 2) + k] : bases[1].Left[(i * 3) + k - 2];
        }

        var expected = new ErasureOperator(d, ErasureFactor.Projection(joint, d)).ToDense();
        for (var i = 0; i < p.Length; i++)
            Assert.Equal(expected[i], p[i], 10);
    }

    [Fact]
    public void Batch_size_and_solver_change_nothing_but_rounding()
    {
        var expected = Projector(new UnlearningOptions { Directions = 2, Solver = "svd" });
        foreach (var solver in new[] { "gram-eigen", "subspace-iteration", "auto" })
        {
            foreach (var batch in new[] { 1, 7, 64 })
            {
                var actual = Projector(new UnlearningOptions { Directions = 2, Solver = solver, BatchSize = batch });
                for (var i = 0; i < expected.Length; i++)
                    Assert.Equal(expected[i], actual[i], 5);
            }
        }
    }

    [Fact]
    public void Peak_memory_does_not_depend_on_the_number_of_images()
    {
        // A whole batch and more than one.
        Assert.Equal(Peak(512), Peak(640));

        static long Peak(int images)
        {
            using var model = SmallImages.Model();
            var forget = SmallImages.Set(images, 5);
            TestDevices.Current.ResetPeak();
            Run(model, forget, new UnlearningOptions { Directions = 1, BatchSize = 32 });
            return TestDevices.Current.Memory.Peak;
        }
    }

    [Theory]
    [InlineData(UnlearningMode.Paper, 32)]
    [InlineData(UnlearningMode.Official, 32)]
    [InlineData(UnlearningMode.Official, 50)]
    public void A_cancelled_request_leaves_the_model_as_it_was(UnlearningMode mode, int after)
    {
        using var model = SmallImages.Model();
        var images = SmallImages.Set(12, 8);
        var before = FeatureBank.Extract(model, images).Logits;
        using var cancel = new CancellationTokenSource();
        var context = new UnlearningContext(model, Split().Forget, new UnlearningOptions { Directions = 1, Mode = mode, BatchSize = 16 });
        Assert.Throws<OperationCanceledException>(() => new Esc().Run(context, new CancelAt(cancel, after), cancel.Token));
        Assert.Null(model.Erasure);
        Assert.Equal(before, FeatureBank.Extract(model, images).Logits);
    }

    [Fact]
    public void Only_official_mode_changes_the_running_statistics()
    {
        using var model = SmallImages.Model();
        var before = model.NamedBuffers.SelectMany(b => b.Buffer.ToArray()).ToArray();
        Run(model, Split().Forget, new UnlearningOptions { Directions = 1 });
        Assert.Equal(before, model.NamedBuffers.SelectMany(b => b.Buffer.ToArray()));
        var result = Run(model, Split().Forget, new UnlearningOptions { Directions = 1, Mode = UnlearningMode.Official });
        Assert.NotEqual(before, model.NamedBuffers.SelectMany(b => b.Buffer.ToArray()));
        Assert.Contains(result.Notes, n => n.Contains("running statistics", StringComparison.Ordinal));
    }

    [Fact]
    public void Equal_seeds_give_equal_bits_in_official_mode_and_other_seeds_do_not()
    {
        var options = new UnlearningOptions { Directions = 2, Mode = UnlearningMode.Official };
        Assert.Equal(Projector(options), Projector(options));
        Assert.NotEqual(Projector(options), Projector(options with { Seed = 7 }));
    }

    [Theory]
    [InlineData(24, null, "k")]
    [InlineData(-1, null, "k")]
    [InlineData(null, 100.0, "p")]
    [InlineData(null, 1.5, "smallest p")]
    [InlineData(2, 10.0, "either")]
    public void Impossible_numbers_of_directions_are_refused(int? k, double? percent, string reason)
    {
        using var model = SmallImages.Model();
        var error = Assert.Throws<UsageException>(() => Run(model, Split().Forget, new UnlearningOptions { Directions = k, Percent = percent }));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Null(model.Erasure);
    }

    [Fact]
    public void Features_that_are_not_finite_are_refused_and_nothing_is_erased()
    {
        using var model = SmallImages.Model();
        model.Parameters.First().Value.CopyFrom<float>([.. Enumerable.Repeat(float.NaN, (int)model.Parameters.First().Shape.Count)]);
        var error = Assert.Throws<EscException>(() => Run(model, Split().Forget, new UnlearningOptions { Directions = 1 }));
        Assert.Equal(ErrorCode.BadInput, error.Code);
        Assert.Null(model.Erasure);
    }

    [Fact]
    public void A_method_that_may_see_only_the_forgetting_data_cannot_reach_the_rest()
    {
        using var model = SmallImages.Model();
        var context = new UnlearningContext(model, Split().Forget);
        Assert.Throws<EscException>(() => context.Remain);
        Assert.Equal(DataUse.ForgetOnly, new Esc().DataUse);
    }

    [Fact]
    public void An_unknown_method_is_refused_with_the_known_ones() =>
        Assert.Contains("esc", Assert.Throws<UsageException>(() => MethodRegistry.Create("magic")).Message, StringComparison.Ordinal);

    private static double[] Projector(UnlearningOptions options)
    {
        using var model = SmallImages.Model();
        Run(model, Split().Forget, options);
        return model.Erasure!.ToDense();
    }

    private static UnlearningResult Run(Classifier model, ImageSet forget, UnlearningOptions options)
    {
        model.Training = false;
        return new Esc().Run(new UnlearningContext(model, forget, options));
    }

    private sealed class CancelAt(CancellationTokenSource source, long images) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Done >= images)
                source.Cancel();
        }
    }
}
