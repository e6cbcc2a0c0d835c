using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>What is particular to LAU, DELETE and UNSIR; what they share with all training methods is tested with those.</summary>
public sealed class HeadAndNoiseMethodTests
{
    [Fact]
    public void Lau_leaves_the_extractor_bit_identical_and_moves_the_forgotten_class_away()
    {
        // Oracle of section 11, item 10.
        using var model = SmallImages.Model();
        model.Training = false;
        var split = KodgeTests.Small();
        // A last layer that knows the forgotten class of every image at hand.
        var bias = model.Head.Bias!.Value.ToArray();
        bias[2] += 1;
        model.Head.Bias.Value.CopyFrom<float>(bias);
        var before = KodgeTests.Values(model);
        Assert.Equal(100, FeatureBank.Extract(model, split.Forget).Accuracy);
        var result = FeatureMethodTests.Run(model, "lau", split, new UnlearningOptions
        {
            Parameters = new Dictionary<string, double> { ["epochs"] = 60, ["learning-rate"] = 0.3, ["bound"] = 3, ["step"] = 1 },
        });
        foreach (var (name, after) in KodgeTests.Values(model))
            Assert.True(name.StartsWith("head.", StringComparison.Ordinal) != after.SequenceEqual(before[name]), name);
        Assert.Equal(0, FeatureBank.Extract(model, split.Forget).Accuracy);
        Assert.Contains(result.Notes, n => n.Contains("no image of a batch", StringComparison.Ordinal));
        Assert.Equal(DataUse.ForgetOnly, new LayerAttack().DataUse);
    }

    [Fact]
    public void Lau_with_an_absurd_learning_rate_ends_as_diverged_with_the_model_as_it_was_given()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var bias = model.Head.Bias!.Value.ToArray();
        bias[2] += 1;
        model.Head.Bias.Value.CopyFrom<float>(bias);
        var before = KodgeTests.Values(model);
        // One step makes every image wrong, which would end the run as a success.
        var result = FeatureMethodTests.Run(model, "lau", KodgeTests.Small(), FeatureMethodTests.With("learning-rate", 1e30));
        Assert.Equal(UnlearningOutcome.Diverged, result.Outcome);
        Assert.Contains(result.Notes, n => n.StartsWith("diverged: ", StringComparison.Ordinal));
        foreach (var (name, after) in KodgeTests.Values(model))
            Assert.Equal(before[name], after);
    }

    [Fact]
    public void Lau_says_how_many_attacks_failed()
    {
        using var model = SmallImages.Model();
        var bias = model.Head.Bias!.Value.ToArray();
        bias[2] += 50;
        model.Head.Bias.Value.CopyFrom<float>(bias);
        var result = FeatureMethodTests.Run(model, "lau", KodgeTests.Small(), FeatureMethodTests.With("epochs", 1));
        Assert.Contains(result.Notes, n => n.StartsWith("5 of 5 attacks", StringComparison.Ordinal));
    }

    [Fact]
    public void An_attack_stays_within_its_bound_and_raises_the_loss()
    {
        const int d = 7, classes = 3;
        var random = new RandomSource(3, 1);
        float[] weight = new float[classes * d], bias = new float[classes], z = new float[d], moved = new float[d];
        random.FillNormal(weight);
        random.FillNormal(z);
        double Loss(float[] at) => Math.Log(Enumerable.Range(0, classes).Sum(c => Math.Exp(Score(c, at)))) - Score(1, at);
        double Score(int c, float[] at) => Enumerable.Range(0, d).Sum(j => (double)weight[(c * d) + j] * at[j]);
        new FeatureAttack(weight, bias, bound: 0.25, step: 0.1, iterations: 9).Move(z, 1, moved);
        Assert.All(moved.Zip(z, (a, b) => Math.Abs(a - b)), v => Assert.InRange(v, 0, 0.25 + 1e-6));
        Assert.True(Loss(moved) > Loss(z) + 0.1, $"{Loss(z)} became {Loss(moved)}");
        // One small step follows the sign of the slope, by central differences.
        new FeatureAttack(weight, bias, 1, 1e-3, 1).Move(z, 1, moved);
        for (var j = 0; j < d; j++)
        {
            float[] up = [.. z], down = [.. z];
            (up[j], down[j]) = (z[j] + 1e-3f, z[j] - 1e-3f);
            Assert.Equal(Math.Sign(Loss(up) - Loss(down)), Math.Sign(moved[j] - z[j]));
        }
    }

    [Fact]
    public void Deletes_target_is_the_originals_softmax_over_the_other_classes()
    {
        using var scope = Tensor.Scope();
        float[] scores = [1, 3, -2, 0.5f, 0, 0];
        var target = Delete.Target(Tensor.From(scores, (2, 3)), [1, 0]).Softmax().ToArray();
        double[] expected = [Math.Exp(1) / (Math.Exp(1) + Math.Exp(-2)), 0, Math.Exp(-2) / (Math.Exp(1) + Math.Exp(-2)), 0, 0.5, 0.5];
        for (var i = 0; i < 6; i++)
            Assert.Equal(expected[i], target[i], 6);
        // The loss is finite, and 0 where the student says just that.
        var student = Tensor.From([1f, -80, -2, -80, 0, 0], (2, 3));
        Assert.Equal(0, Loss.KlDivergence(student, Delete.Target(Tensor.From(scores, (2, 3)), [1, 0])).Item(), 5);
    }

    [Fact]
    public void Delete_takes_the_class_out_of_the_scores()
    {
        using var model = SmallImages.Model();
        var bias = model.Head.Bias!.Value.ToArray();
        bias[2] += 1;
        model.Head.Bias.Value.CopyFrom<float>(bias);
        FeatureMethodTests.Run(model, "delete", KodgeTests.Small(), new UnlearningOptions
        {
            Parameters = new Dictionary<string, double> { ["epochs"] = 12, ["learning-rate"] = 0.05 },
        });
        Assert.Equal(0, FeatureBank.Extract(model, KodgeTests.Small().Forget).Accuracy);
        Assert.Equal(DataUse.ForgetOnly, new Delete().DataUse);
    }

    [Fact]
    public void Error_maximising_noise_lowers_its_objective_and_every_image_of_it_is_different()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        // -CE + 0.1 mean over images of sum N²
        double Objective(float[] noise)
        {
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            var error = Loss.CrossEntropy(model.Forward(Tensor.From(noise, (5, 32, 32, 3), model.Device)), Tensor.From([2, 2, 2, 2, 2], 5, model.Device)).Item();
            return (0.1 * noise.Sum(v => (double)v * v) / 5) - error;
        }

        float[] Find(int steps) => ErrorNoise.Find(model, 2, (5, 32, 32, 3), steps, 0.1, new RandomSource(4, 2), default);
        Assert.True(Objective(Find(12)) < 0.5 * Objective(Find(0)), $"{Objective(Find(0))} became {Objective(Find(12))}");
        Assert.Equal(5, Find(2).Chunk(3072).Select(image => image.Sum()).Distinct().Count());
    }

    [Fact]
    public void Unsir_wants_whole_classes()
    {
        using var model = SmallImages.Model();
        var split = EscNative.Models.Data.ForgetSplit.Create(SmallImages.Data(train: 20, test: 4), EscNative.Models.Data.ForgetRequest.ForIndices([0, 1]));
        Assert.Contains("whole classes", Assert.Throws<UsageException>(() => FeatureMethodTests.Run(model, "unsir", split)).Message, StringComparison.Ordinal);
    }
}
