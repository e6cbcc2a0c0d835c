using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Curvature;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

public sealed class FisherTests
{
    [Fact]
    public void The_heads_curvature_is_its_closed_form()
    {
        // For a linear head F of W_(k,j) is the mean over images of sum_c p_c (p_k - [k = c])² z_j², and of b_k the same without z_j.
        using var model = SmallImages.Model();
        model.Training = false;
        var images = SmallImages.Set(9, 6);
        using var curvature = All(model, images, 1);
        var bank = FeatureBank.Extract(model, images);
        var (d, classes) = (bank.Width, bank.Classes);
        var (weight, bias) = (new double[classes * d], new double[classes]);
        for (var i = 0; i < images.Count; i++)
        {
            var p = Softmax(bank.Logits.AsSpan(i * classes, classes));
            for (var k = 0; k < classes; k++)
            {
                var factor = Enumerable.Range(0, classes).Sum(c => p[c] * (p[k] - (k == c ? 1 : 0)) * (p[k] - (k == c ? 1 : 0))) / images.Count;
                bias[k] += factor;
                for (var j = 0; j < d; j++)
                    weight[(k * d) + j] += factor * bank.Features[(i * d) + j] * bank.Features[(i * d) + j];
            }
        }

        var names = model.NamedParameters.Select(p => p.Name).ToList();
        AssertClose(weight, curvature.Diagonal(names.IndexOf("head.0.weight")));
        AssertClose(bias, curvature.Diagonal(names.IndexOf("head.0.bias")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Every_layers_curvature_is_that_of_one_cross_entropy_a_class(int size)
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var images = SmallImages.Set(5, 6);
        using var curvature = All(model, images, size);
        var expected = model.Parameters.Select(p => new double[p.Shape.Count]).ToArray();
        var loader = new BatchLoader(images, Normalisation.Half, new BatchOptions { BatchSize = size, Device = model.Device });
        foreach (var batch in loader.Epoch())
        {
            for (var c = 0; c < model.Classes; c++)
            {
                using var scope = Tensor.Scope();
                var logits = model.Forward(batch.Images);
                var p = logits.ToArray().Chunk(model.Classes).Average(row => Softmax(row)[c]);
                var labels = Tensor.From(Enumerable.Repeat(c, batch.Count).ToArray(), batch.Count, model.Device);
                using var gradients = Loss.CrossEntropy(logits, labels).Backward();
                foreach (var (sum, parameter) in expected.Zip(model.Parameters))
                {
                    var g = gradients[parameter].ToArray();
                    for (var j = 0; j < sum.Length; j++)
                        sum[j] += p * g[j] * g[j] / loader.Batches;
                }
            }
        }

        for (var i = 0; i < expected.Length; i++)
            AssertClose(expected[i], curvature.Diagonal(i));
    }

    [Fact]
    public void Neither_threads_nor_an_interruption_change_a_bit()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        // More than one chunk, and a last one that is not full.
        var images = SmallImages.Set(2 * FisherCurvature.ChunkBatches + 3, 6);
        using var whole = All(model, images, 1);
        var threads = CpuParallel.Threads;
        try
        {
            CpuParallel.Threads = 1;
            using var alone = All(model, images, 1);
            AssertEqual(whole, alone);

            var folder = Directory.CreateTempSubdirectory("fisher");
            try
            {
                var method = new Fisher();
                var split = KodgeTests.Small();
                var context = new UnlearningContext(model, split.Forget, null, split.Remain) { CheckpointPath = Path.Combine(folder.FullName, "fisher.safetensors") };
                var checkpoint = CurvatureState.Checkpoint(method, context, MethodParameters.Of(method, context.Options))!;
                using var first = new FisherCurvature(model, images, 1, 0);
                Assert.True(first.Next(default));
                Assert.Equal(FisherCurvature.ChunkBatches, first.Done);
                CurvatureState.Save(checkpoint, first, 12.5);
                CpuParallel.Threads = threads;
                using var second = new FisherCurvature(model, images, 1, 0);
                Assert.Equal(12.5, CurvatureState.Load(checkpoint, second));
                Finish(second);
                AssertEqual(whole, second);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        finally
        {
            CpuParallel.Threads = threads;
        }
    }

    [Fact]
    public void A_resumed_run_gives_the_bits_of_the_first_and_no_other_run_takes_its_checkpoint()
    {
        var folder = Directory.CreateTempSubdirectory("fisher");
        try
        {
            var path = Path.Combine(folder.FullName, "fisher.safetensors");
            (float[] Weights, double Seconds) Run(bool resume, double alpha)
            {
                using var model = SmallImages.Model();
                var split = KodgeTests.Small();
                var context = new UnlearningContext(model, split.Forget, FeatureMethodTests.With("alpha", alpha), split.Remain) { CheckpointPath = path, Resume = resume };
                var seconds = new Fisher().Run(context).Seconds;
                return (FeatureMethodTests.Weights(model), seconds);
            }

            var whole = Run(resume: false, 1e-3);
            Checkpoints.SaySeconds(path, "escnative.curvature.seconds");
            var resumed = Run(resume: true, 1e-3);
            Assert.Equal(whole.Weights, resumed.Weights);
            Assert.InRange(resumed.Seconds, 3600, 7200);
            Assert.Contains("another run", Assert.Throws<DataFormatException>(() => Run(resume: true, 1e-4)).Message, StringComparison.Ordinal);
            Assert.All(Checkpoints.NoSeconds, seconds =>
            {
                Checkpoints.SaySeconds(path, "escnative.curvature.seconds", seconds);
                Assert.Contains($"'{seconds}', wants seconds", Assert.Throws<DataFormatException>(() => Run(resume: true, 1e-3)).Message, StringComparison.Ordinal);
            });
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        using var untouched = SmallImages.Model();
        var error = Assert.Throws<UsageException>(
            () => new Fisher().Run(new UnlearningContext(untouched, KodgeTests.Small().Forget, null, KodgeTests.Small().Remain) { Resume = true }));
        Assert.Contains("resume", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_noise_only_the_forgotten_classes_row_changes()
    {
        // Oracle of section 11, item 10.
        using var model = SmallImages.Model();
        var before = KodgeTests.Values(model);
        FeatureMethodTests.Run(model, "fisher", KodgeTests.Small(), FeatureMethodTests.With("alpha", 0));
        var d = model.FeatureWidth;
        foreach (var (name, after) in KodgeTests.Values(model))
        {
            for (var i = 0; i < after.Length; i++)
            {
                var isRow = (name == "head.0.weight" && i / d == 2) || (name == "head.0.bias" && i == 2);
                Assert.True(isRow != (after[i] == before[name][i]), $"{name}[{i}]");
                // Drawn around 0 with variance 1e-3.
                Assert.True(!isRow || Math.Abs(after[i]) < 0.2, $"{name}[{i}] = {after[i]}");
            }
        }
    }

    [Fact]
    public void A_request_for_images_draws_no_row_anew()
    {
        using var model = SmallImages.Model();
        var before = FeatureMethodTests.Weights(model);
        var split = ForgetSplit.Create(SmallImages.Data(train: 20, test: 4), ForgetRequest.ForIndices([0, 5]));
        FeatureMethodTests.Run(model, "fisher", split, FeatureMethodTests.With("alpha", 0));
        Assert.Equal(before, FeatureMethodTests.Weights(model));
    }

    [Fact]
    public void Samples_approximation_and_small_probabilities_change_the_curvature_only_a_little_or_say_so()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var images = SmallImages.Set(9, 6);
        using var exact = All(model, images, 1);
        // Untrained: every class has a probability near a quarter, so that nothing lies below 1e-3, and everything below 1.
        using (var same = new FisherCurvature(model, images, 1, 1e-3))
        {
            Finish(same);
            AssertEqual(exact, same);
        }

        using var none = new FisherCurvature(model, images, 1, 1);
        Finish(none);
        Assert.All(none.Total.Sums, s => Assert.All(s, v => Assert.Equal(0, v)));
        var result = FeatureMethodTests.Run(model, "fisher", KodgeTests.Small(), new UnlearningOptions
        {
            Parameters = new Dictionary<string, double> { ["samples"] = 4, ["approximate"] = 1 },
        });
        Assert.Contains("4 of 15", Assert.Single(result.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Variances_follow_the_published_rules()
    {
        // A convolution [1, 1, 2, 3]: the mean over the inputs of each pixel; F = 0 gives the largest variance.
        var conv = FisherNoise.Variances([1, 2, 4, 0, 0, 1], (1, 1, 2, 3), isHead: false, alpha: 2, []);
        double V(double f, double limit = 1e3) => Math.Min(1 / (f + 1e-8), limit);
        double first = 2 * (V(1) + V(2) + V(4)) / 3, second = 2 * (1e3 + 1e3 + V(1)) / 3;
        AssertClose([first, first, first, second, second, second], conv);
        // A vector, as of batch normalisation: times 10.
        AssertClose([2 * 10 * V(0.5), 2 * 10 * 1e3], FisherNoise.Variances([0.5, 0], 2, isHead: false, alpha: 2, []));
        // The last layer: a smaller limit, times 10; the forgotten row 1e-4, times 10.
        var head = FisherNoise.Variances([1, 0, 5, 5, 0, 0], (3, 2), isHead: true, alpha: 2, [1]);
        AssertClose([10 * (V(1) + 100), 10 * (V(1) + 100), 1e-3, 1e-3, 2000, 2000], head);
        AssertClose([2000, 1e-3], FisherNoise.Variances([0, 0], 2, isHead: true, alpha: 2, [1]));
    }

    private static FisherCurvature All(Classifier model, ImageSet images, int batch)
    {
        var curvature = new FisherCurvature(model, images, batch, 0);
        Finish(curvature);
        Assert.Equal(curvature.Batches, curvature.Done);
        return curvature;
    }

    private static void Finish(FisherCurvature curvature)
    {
        while (curvature.Next(default))
        {
        }
    }

    private static double[] Softmax(ReadOnlySpan<float> scores)
    {
        var e = new double[scores.Length];
        for (var c = 0; c < e.Length; c++)
            e[c] = Math.Exp(scores[c]);
        return [.. e.Select(v => v / e.Sum())];
    }

    private static void AssertEqual(FisherCurvature expected, FisherCurvature actual)
    {
        foreach (var (a, b) in expected.Total.Sums.Zip(actual.Total.Sums))
            Assert.Equal(a, b);
    }

    private static void AssertClose(double[] expected, double[] actual)
    {
        var scale = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual, (a, b) => a - b), v => Assert.InRange(v, -1e-4 * scale, 1e-4 * scale));
    }
}
