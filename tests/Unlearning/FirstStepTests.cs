using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>
/// The first step of each method against its published loss: with plain SGD the step is -rate times the gradient, whose slope in two
/// directions (its own, and a random one) must be that of the loss, computed in float64 by plain loops from the network's scores.
/// </summary>
public sealed class FirstStepTests
{
    private const double Rate = 0.05;
    private const int Classes = 4;

    private static readonly (string Name, double Value)[] OneStep =
        [("epochs", 1), ("learning-rate", Rate), ("momentum", 0), ("weight-decay", 0), ("flip", 0), ("batch", 64)];

    private static ImageSet Forget => Tiny.Split.Forget;

    private static ImageSet Remain => Tiny.Split.Remain;

    [Fact]
    public void Finetune_descends_the_cross_entropy_of_the_remaining_data() =>
        Check(new FineTune(), (model, _) => CrossEntropy(Scores(model, Remain), Remain.Labels()));

    [Fact]
    public void L1_sparse_adds_alpha_times_the_sum_of_absolute_weights() =>
        Check(
            new L1Sparse(),
            (model, _) => CrossEntropy(Scores(model, Remain), Remain.Labels()) + (0.01 * model.Parameters.Sum(p => p.Value.ToArray().Sum(v => Math.Abs((double)v)))),
            ("alpha", 0.01));

    [Fact]
    public void Ng_climbs_the_cross_entropy_of_the_forgetting_data() =>
        Check(new NegativeGradient(), (model, _) => -CrossEntropy(Scores(model, Forget), Forget.Labels()));

    [Fact]
    public void NegGrad_plus_weighs_descent_and_ascent() =>
        Check(
            new NegGradPlus(),
            (model, _) => (0.7 * CrossEntropy(Scores(model, Remain), Remain.Labels())) - (0.3 * CrossEntropy(Scores(model, Forget), Forget.Labels())),
            ("alpha", 0.7), ("remain-batch", 64), ("forget-batch", 64));

    [Fact]
    public void Rl_descends_the_cross_entropy_of_wrong_labels()
    {
        var labels = RandomLabel.WrongLabels(Forget.Labels(), Classes, new RandomSource(11, TrainingStreams.Of(TrainingStreams.Labels, 0)));
        Check(new RandomLabel(), (model, _) => CrossEntropy(Scores(model, Forget), labels));
    }

    [Fact]
    public void Wrong_labels_are_uniform_over_the_other_classes()
    {
        var counts = new int[5];
        foreach (var label in RandomLabel.WrongLabels([.. Enumerable.Repeat(3, 4000)], 5, new RandomSource(2)))
            counts[label]++;
        Assert.Equal(0, counts[3]);
        // 1000 each, of binomial deviation 27.
        Assert.All(counts.Where((_, label) => label != 3), count => Assert.InRange(count, 860, 1140));
    }

    [Fact]
    public void Scrub_climbs_the_distance_to_the_teacher_on_the_forgetting_data() =>
        // Far from the teacher, where the gradient is not 0: the student is the teacher at the start, but in training mode.
        Check(
            new Scrub(), (model, original) => -Distance(Scores(model, Forget), Scores(original, Forget), 3),
            ("max-epochs", 1), ("gamma", 0), ("alpha", 0), ("temperature", 3), ("remain-batch", 64), ("forget-batch", 64), ("rewind", 0));

    [Fact]
    public void Scrub_descends_cross_entropy_and_distance_on_the_remaining_data() =>
        Check(
            new Scrub(),
            (model, original) =>
            {
                var scores = Scores(model, Remain);
                return (0.9 * CrossEntropy(scores, Remain.Labels())) + (0.5 * Distance(scores, Scores(original, Remain), 2));
            },
            ("max-epochs", 0), ("gamma", 0.9), ("alpha", 0.5), ("temperature", 2), ("remain-batch", 64), ("rewind", 0));

    [Fact]
    public void SalUn_with_every_weight_free_descends_random_and_true_labels()
    {
        var random = new RandomSource(11, TrainingStreams.Of(TrainingStreams.Labels, 0));
        int[] labels = [.. Enumerable.Range(0, Forget.Count).Select(_ => random.NextInt(Classes)), .. Remain.Labels()];
        var both = Forget.Join(Remain, "both");
        Check(new SalUn(), (model, _) => CrossEntropy(Scores(model, both), labels), ("ratio", 1), ("joint", 1));
    }

    [Fact]
    public void Bs_descends_the_cross_entropy_of_what_the_attacked_original_predicts() =>
        Check(new BoundaryShrink(), (model, original) => CrossEntropy(Scores(model, Forget), Attacked(original, 0.3)), ("bound", 0.3));

    [Fact]
    public void BadT_descends_the_divergence_from_the_teachers_mixed_by_image()
    {
        // Adam's first step is -rate sign(g), so the signs are compared where the gradient is not almost 0.
        var method = new BadTeaching();
        using var original = Tiny.Model();
        using var ignorant = Tiny.Model(seed: new RandomSource(11, TrainingStreams.Of(TrainingStreams.Teacher, 0)).NextBits());
        var targets = Scores(ignorant, Forget).Concat(Scores(original, Remain)).ToArray();
        using var after = Tiny.Model();
        var options = Tiny.Options(method, ("epochs", 1), ("flip", 0), ("batch", 64), ("remain-share", 1), ("temperature", 2), ("learning-rate", 1e-3));
        Tiny.Run(method, after, options);
        using var model = Tiny.Model();
        model.Training = true;
        using var scope = Tensor.Scope();
        // As cross-entropy with soft targets, which has the gradient of the divergence.
        var soft = targets.SelectMany(row => Softmax(row, 2)).Select(p => (float)p).ToArray();
        var loader = new BatchLoader(Forget.Join(Remain, "both"), Normalisation.Half, new BatchOptions { BatchSize = 64 });
        foreach (var batch in loader.Epoch())
        {
            using var gradients = Loss.SoftCrossEntropy(model.Forward(batch.Images) / 2, Tensor.From(soft, (batch.Count, Classes))).Backward();
            var (compared, total) = (0, 0L);
            foreach (var (now, start) in after.Parameters.Zip(model.Parameters))
            {
                var slopes = gradients[start].ToArray();
                var (a, b) = (now.Value.ToArray(), start.Value.ToArray());
                total += slopes.Length;
                for (var i = 0; i < slopes.Length; i++)
                {
                    if (Math.Abs(slopes[i]) < 1e-5)
                        continue;
                    compared++;
                    Assert.Equal(-1e-3 * Math.Sign(slopes[i]), a[i] - b[i], 5e-6);
                }
            }

            Assert.True(compared > total * 0.8, $"only {compared} of {total} gradients are large enough to compare");
        }
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.02)]
    public void The_attack_stays_an_image_within_its_bound_and_raises_the_loss(double bound)
    {
        // Not trained: where the scores are sure the gradient is 0 in float32, and such an attack moves nothing.
        using var original = Tiny.Model(width: 0.1);
        original.Freeze();
        using var scope = Tensor.Scope();
        foreach (var batch in new BatchLoader(Forget, Normalisation.Half).Epoch())
        {
            var attacked = new SignAttack(original, bound).Images(batch);
            var (before, after) = (batch.Images.ToArray(), attacked.ToArray());
            var moved = 0;
            for (var i = 0; i < before.Length; i++)
            {
                var (x, y) = (((before[i] + 1) * 127.5) - Pixel(before[i]), ((after[i] + 1) * 127.5) - Pixel(after[i]));
                Assert.True(Math.Abs(x) < 1e-3 && Math.Abs(y) < 1e-3, "a pixel is between two bytes");
                // Half a step of rounding is the source's.
                Assert.InRange(Math.Abs(Pixel(after[i]) - Pixel(before[i])), 0, (255 * bound) + 0.5);
                Assert.InRange(Pixel(after[i]), 0, 255);
                moved += after[i] != before[i] ? 1 : 0;
            }

            Assert.True(moved > before.Length / 2, $"{moved} of {before.Length} pixels moved");
            using var noGrad = Tensor.NoGrad();
            var (was, now) = (Loss.CrossEntropy(original.Forward(batch.Images), batch.Labels).Item(), Loss.CrossEntropy(original.Forward(attacked), batch.Labels).Item());
            Assert.True(now > was, $"the loss went from {was} to {now}");
        }

        static double Pixel(float x) => Math.Round((x + 1) * 127.5);
    }

    [Fact]
    public void A_failed_attack_is_counted()
    {
        // An attack that moves nothing succeeds only where the original errs.
        using var model = TrainedStripes.Model();
        var right = Math.Round(FeatureBank.Extract(model, Forget).Accuracy * Forget.Count / 100);
        Assert.True(right > 0);
        var method = new BoundaryShrink();
        var result = Tiny.Run(method, model, Tiny.Options(method, ("epochs", 2), ("bound", 0)));
        Assert.Contains(result.Notes, n => n.StartsWith($"{2 * right} of {2 * Forget.Count} attacks", StringComparison.Ordinal));
    }

    /// <summary>Compares the gradient that a step shows with slopes of the loss.</summary>
    /// <param name="loss">The loss of a model in training mode, given the original in evaluation mode.</param>
    private static void Check(IUnlearningMethod method, Func<Classifier, Classifier, double> loss, params (string Name, double Value)[] values)
    {
        var known = OneStep.Concat(values).Where(v => method.Parameters.Any(p => p.Name == v.Name)).DistinctBy(v => v.Name).ToArray();
        using var original = Tiny.Model();
        using var stepped = Tiny.Model();
        Tiny.Run(method, stepped, Tiny.Options(method, known));
        var start = Parameters(original);
        var gradient = start.Zip(Parameters(stepped), (a, b) => (a - (double)b) / Rate).ToArray();
        var length = Math.Sqrt(gradient.Sum(g => g * g));
        Assert.True(length > 1e-3, $"{method.Name}: a gradient of length {length} shows nothing");
        var random = new RandomSource(7);
        var direction = new float[start.Length];
        random.FillNormal(direction);
        // Half random, half along the gradient, so that its slope is not lost in rounding.
        var size = Math.Sqrt(direction.Sum(d => d * (double)d));
        var mixed = direction.Zip(gradient, (d, g) => ((d / size) + (g / length)) / Math.Sqrt(2)).ToArray();
        foreach (var v in new[] { [.. gradient.Select(g => g / length)], mixed })
        {
            const double h = 5e-4;
            double At(double way)
            {
                using var moved = Tiny.Model();
                Set(moved, start, v, way);
                moved.Training = true;
                return loss(moved, original);
            }

            var slope = (At(h) - At(-h)) / (2 * h);
            var shown = gradient.Zip(v, (g, d) => g * d).Sum();
            Assert.True(Math.Abs(slope - shown) <= 0.02 * length, $"{method.Name}: the step shows a slope of {shown}, the loss has {slope}");
        }
    }

    private static float[] Parameters(Classifier model) => [.. model.Parameters.SelectMany(p => p.Value.ToArray())];

    private static void Set(Classifier model, float[] start, double[] direction, double way)
    {
        var at = 0;
        foreach (var parameter in model.Parameters)
        {
            var values = new float[parameter.Shape.Count];
            for (var i = 0; i < values.Length; i++, at++)
                values[i] = (float)(start[at] + (way * direction[at]));
            parameter.Value.CopyFrom<float>(values);
        }
    }

    /// <summary>The class scores of a whole set as one batch, in the model's mode.</summary>
    private static double[][] Scores(Classifier model, ImageSet images)
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        var loader = new BatchLoader(images, Normalisation.Half, new BatchOptions { BatchSize = images.Count });
        return [.. loader.Epoch().SelectMany(batch => model.Forward(batch.Images).ToArray().Chunk(Classes)).Select(row => Array.ConvertAll(row, v => (double)v))];
    }

    private static int[] Attacked(Classifier original, double bound)
    {
        original.Freeze();
        var labels = new int[Forget.Count];
        foreach (var batch in new BatchLoader(Forget, Normalisation.Half).Epoch())
            new SignAttack(original, bound).Labels(batch).CopyTo(labels, batch.Indices[0]);
        return labels;
    }

    private static double[] Softmax(double[] scores, double temperature)
    {
        var largest = scores.Max();
        var powers = scores.Select(s => Math.Exp((s - largest) / temperature)).ToArray();
        return [.. powers.Select(p => p / powers.Sum())];
    }

    private static double CrossEntropy(double[][] scores, int[] labels) =>
        scores.Select((row, i) => -Math.Log(Softmax(row, 1)[labels[i]])).Average();

    // T² mean KL(teacher || student).
    private static double Distance(double[][] student, double[][] teacher, double temperature)
    {
        var sum = 0.0;
        for (var i = 0; i < student.Length; i++)
        {
            var (s, t) = (Softmax(student[i], temperature), Softmax(teacher[i], temperature));
            for (var c = 0; c < s.Length; c++)
                sum += t[c] * (Math.Log(t[c]) - Math.Log(s[c]));
        }

        return temperature * temperature * sum / student.Length;
    }
}
