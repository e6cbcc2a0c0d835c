using System.Globalization;
using System.Text.Json;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Engine;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Oracles;

/// <summary>
/// What PyTorch 2.6 computed with the released code's model definition on the real CIFAR-10, against this engine. The oracle's
/// README says how each file was made; nothing in them comes from this code.
/// </summary>
public sealed class AllCnnOracleTests
{
    [Fact]
    public void Scores_of_the_first_64_test_images_agree_within_1e_4()
    {
        var expected = File.ReadLines(TestData.Oracle("test_first64_logits.csv"))
            .Select(line => line.Split(',').Select(v => float.Parse(v, CultureInfo.InvariantCulture)).ToArray())
            .ToArray();
        var data = DataFolder.Open(TestData.Cifar10Folder);
        using var model = OracleRun.Model();
        var bank = FeatureBank.Extract(model, data.Test.Subset([.. Enumerable.Range(0, 64)], "first 64"));
        Assert.Equal(64, expected.Length);
        for (var i = 0; i < 64; i++)
        {
            for (var c = 0; c < 10; c++)
                Assert.InRange(bank.Logits[(i * 10) + c], expected[i][c] - 1e-4, expected[i][c] + 1e-4);
        }
    }

    [Theory]
    [InlineData("svd")]
    [InlineData("gram-eigen")]
    [InlineData("subspace-iteration")]
    [InlineData("auto")]
    public void The_projector_of_the_paper_agrees_within_1e_5_in_spectral_norm(string solver)
    {
        using var model = OracleRun.Model();
        var before = Statistics(model);
        var result = new Esc().Run(new UnlearningContext(model, OracleRun.Split.Forget, new UnlearningOptions { Percent = 1.5, Solver = solver }));
        Assert.Equal(1, result.Subspace!.K);
        var expected = Npy.Read(TestData.Oracle("paper_k1_projector.npy")).ToFloat64();
        Assert.InRange(OracleRun.SpectralDistance(model.Erasure!.ToDense(), expected, 96), 0, 1e-5);
        // BN guard (oracle 8): evaluation mode leaves the running statistics bit-identical.
        Assert.Equal(before, Statistics(model));
    }

    [Fact]
    public void Official_mode_agrees_projector_statistics_and_accuracies()
    {
        using var model = OracleRun.Model();
        var split = OracleRun.Split;
        var options = new UnlearningOptions { Percent = 1.5, Mode = UnlearningMode.Official, OfficialAugmentation = false };
        new Esc().Run(new UnlearningContext(model, split.Forget, options));

        var expected = Npy.Read(TestData.Oracle("official_k1_projector.npy")).ToFloat64();
        Assert.InRange(OracleRun.SpectralDistance(model.Erasure!.ToDense(), expected, 96), 0, 1e-5);
        var saved = NpzFile.ReadAll(TestData.Oracle("official_bn_after.npz"));
        Assert.NotEmpty(saved);
        foreach (var (name, buffer) in model.NamedBuffers)
        {
            var (mine, theirs) = (buffer.ToArray(), saved[name].ToFloat32());
            for (var i = 0; i < mine.Length; i++)
                Assert.InRange(mine[i], theirs[i] - 1e-5 * Math.Max(1, Math.Abs(theirs[i])), theirs[i] + 1e-5 * Math.Max(1, Math.Abs(theirs[i])));
        }

        // The 45,000 other training images would take another minute of CI's, and the 9,000 of the test images are theirs.
        var forget = FeatureBank.Extract(model, split.Forget);
        var test = FeatureBank.Extract(model, split.Data.Test);
        AssertAccuracies("esc_official_k1", forget.Logits, test.Logits, forget.Labels, test.Labels, trained: false);
    }

    [Fact]
    public void Peak_memory_beyond_the_images_is_the_same_for_5_000_and_50_000_of_them()
    {
        var split = OracleRun.Split;
        Assert.Equal(5_000, split.Forget.Count);
        Assert.Equal(Peak(split.Forget), Peak(split.Data.Train));

        static long Peak(ImageSet forget)
        {
            // A narrow network, whose memory grows in the same way.
            using var model = Architectures.Create(OracleRun.Description with { Hyperparameters = new AllCnnHyperparameters(0.25) }, seed: 3);
            TestDevices.Current.ResetPeak();
            // What this thread allocates, garbage included: what other tests hold meanwhile does not count.
            var before = GC.GetAllocatedBytesForCurrentThread();
            new Esc().Run(new UnlearningContext(model, forget, new UnlearningOptions { Directions = 1 }));
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // 4 MB, for a batch of images above all; features of 50,000 would be 9.6 more.
            Assert.InRange(allocated, 1, 7_000_000);
            return TestDevices.Current.Memory.Peak;
        }
    }

    [Fact]
    public void Accuracies_of_the_original_agree_within_one_image() =>
        AssertAccuracies("original", OracleRun.Original.Train.Logits, OracleRun.Original.Test.Logits);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(9)]
    [InlineData(48)]
    public void Accuracies_after_erasing_k_directions_agree_within_one_image(int k)
    {
        var split = OracleRun.Split;
        using var model = OracleRun.Model();
        new Esc().Run(new UnlearningContext(model, split.Forget, new UnlearningOptions { Directions = k }));
        var (train, test) = OracleRun.Original;
        AssertAccuracies($"esc_paper_k{k}", Scores(model, train), Scores(model, test));
    }

    // The erased model's scores from the original's features: operator in float64, folded into the head.
    private static float[] Scores(Classifier model, FeatureBank bank)
    {
        using var scope = Tensor.Scope();
        var (weight, bias) = model.Erasure!.FoldInto(
            [.. model.Head.Weight.Value.ToArray().Select(v => (double)v)], [.. model.Head.Bias!.Value.ToArray().Select(v => (double)v)]);
        var features = Tensor.From(bank.Features, (bank.Count, bank.Width));
        var w = Tensor.From(Array.ConvertAll(weight, v => (float)v), (bank.Classes, bank.Width));
        return features.Linear(w, Tensor.From(Array.ConvertAll(bias, v => (float)v), bank.Classes)).ToArray();
    }

    private static void AssertAccuracies(string key, float[] train, float[] test, int[]? trainLabels = null, int[]? testLabels = null, bool trained = true)
    {
        trainLabels ??= OracleRun.Original.Train.Labels;
        testLabels ??= OracleRun.Original.Test.Labels;
        using var json = JsonDocument.Parse(File.ReadAllText(TestData.Oracle("results.json")));
        var oracle = json.RootElement.GetProperty(key);
        Check("D_f", train, trainLabels, forgotten: true);
        if (trained)
            Check("D_r", train, trainLabels, forgotten: false);
        Check("D_ft", test, testLabels, forgotten: true);
        Check("D_rt", test, testLabels, forgotten: false);

        void Check(string name, float[] scores, int[] labels, bool forgotten)
        {
            int n = 0, correct = 0;
            for (var i = 0; i < labels.Length; i++)
            {
                if (labels[i] == OracleRun.ForgetClass != forgotten)
                    continue;
                n++;
                var row = scores.AsSpan(i * 10, 10);
                var best = 0;
                for (var c = 1; c < 10; c++)
                {
                    if (row[c] > row[best])
                        best = c;
                }

                correct += best == labels[i] ? 1 : 0;
            }

            var (mine, theirs) = (100.0 * correct / n, oracle.GetProperty(name).GetDouble());
            Assert.True(Math.Abs(mine - theirs) <= Math.Max(100.0 / n, 0.02) + 1e-4, $"{key} {name}: {mine} against {theirs} in PyTorch");
        }
    }

    private static float[] Statistics(Classifier model) =>
        [.. model.NamedModules.Select(m => m.Module).OfType<BatchNorm2d>().SelectMany(n => n.RunningMean.ToArray().Concat(n.RunningVariance.ToArray()))];
}
