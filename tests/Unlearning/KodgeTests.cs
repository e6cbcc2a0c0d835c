using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Layers;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Unlearning;

public sealed class KodgeTests
{
    [Theory]
    [InlineData(3, 1, 1, 5, 7, 2)]
    [InlineData(3, 2, 1, 6, 5, 3)]
    [InlineData(1, 1, 0, 4, 4, 5)]
    [InlineData(2, 2, 0, 5, 6, 1)]
    public void A_patch_times_the_flattened_weight_is_the_convolution(int kernel, int stride, int padding, int h, int w, int channels)
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(5, (ulong)(kernel + h));
        using var conv = new Conv2d(channels, 3, kernel, random, stride, padding, bias: false);
        var values = new float[2 * h * w * channels];
        random.FillNormal(values);
        using var noGrad = Tensor.NoGrad();
        var y = conv.Forward(Tensor.From(values, (2, h, w, channels)));
        var shape = PatchShape.Of(conv, (2, h, w, channels));
        Assert.Equal(y.Count, 2L * shape.PerImage * 3);
        var (weight, expected, row) = (conv.Weight.Value.ToArray(), y.ToArray(), new float[shape.Size]);
        for (var i = 0; i < 2 * shape.PerImage; i++)
        {
            row.AsSpan().Fill(float.NaN);
            shape.Copy(values.AsSpan(i / shape.PerImage * h * w * channels, h * w * channels), i % shape.PerImage, row);
            for (var o = 0; o < 3; o++)
                Assert.Equal(expected[(i * 3) + o], Enumerable.Range(0, shape.Size).Sum(k => (double)row[k] * weight[(o * shape.Size) + k]), 4);
        }
    }

    [Fact]
    public void Every_layer_shows_its_input_once_and_no_more_than_the_wanted_patches_count()
    {
        using var model = SmallImages.Model();
        model.Training = true;
        var images = SmallImages.Set(3, 4);
        var moments = LayerActivations.Gather(model, images, 2000, new RandomSource(1), null, default);
        Assert.True(model.Training);
        Assert.Equal(model.NamedModules.Count(m => m.Module is Conv2d or Linear), moments.Count);
        // 32 x 32 windows an image and more than 2000 in all; then 16 x 16, 8 x 8, and the head with one row an image.
        Assert.Equal([2000L, 2000, 768, 768, 768, 192, 192, 192, 3], model.NamedModules.Where(m => m.Module is Conv2d or Linear).Select(m => moments[m.Module].Count));
        // The head's rows are the features.
        var features = FeatureBank.Extract(model, images);
        var gram = moments[model.Head].Gram();
        var d = model.FeatureWidth;
        for (var a = 0; a < d; a++)
        {
            for (var b = 0; b < d; b++)
                Assert.Equal(Enumerable.Range(0, 3).Sum(i => (double)features.Features[(i * d) + a] * features.Features[(i * d) + b]), gram[(a * d) + b], 4);
        }
    }

    [Fact]
    public void Importance_follows_the_share_of_energy_along_rotated_directions()
    {
        // Moments diag(4, 1, 0), turned by 0.3 in the plane of the first and the last axis.
        var (c, s) = (Math.Cos(0.3), Math.Sin(0.3));
        double[] u = [c, 0, -s, 0, 1, 0, s, 0, c], energy = [4, 1, 0];
        var gram = Turn(u, energy);
        var space = new ImportanceSpace(SubspaceAccumulator.FromGram(gram, 3, 5), alpha: 3);
        var expected = Turn(u, [3 * 0.8 / ((2 * 0.8) + 1), 3 * 0.2 / ((2 * 0.2) + 1), 0]);
        var actual = space.Project([1, 0, 0, 0, 1, 0, 0, 0, 1]);
        for (var i = 0; i < 9; i++)
            Assert.Equal(expected[i], actual[i], 12);
        // Inputs that are always 0, as behind dead units: nothing is important.
        Assert.All(new ImportanceSpace(new SubspaceAccumulator(3), 100).Project([1, 2, 3]), v => Assert.Equal(0, v));
    }

    [Fact]
    public void The_heads_weight_becomes_that_of_the_formula_and_only_weights_of_layers_change()
    {
        using var model = SmallImages.Model();
        var split = Small();
        var (before, head) = (Values(model), model.Head.Weight.Value.ToArray());
        var d = model.FeatureWidth;
        double[] mf = Importance(FeatureBank.Extract(model, split.Forget), 3), mr = Importance(FeatureBank.Extract(model, split.Remain), 100);
        FeatureMethodTests.Run(model, "kodge", split);
        // W (I - M_f (I - M_r))ᵀ by plain loops.
        var actual = model.Head.Weight.Value.ToArray();
        for (var o = 0; o < model.Classes; o++)
        {
            for (var i = 0; i < d; i++)
            {
                var expected = (double)head[(o * d) + i];
                for (var j = 0; j < d; j++)
                {
                    var p = mf[(i * d) + j] - Enumerable.Range(0, d).Sum(k => mf[(i * d) + k] * mr[(k * d) + j]);
                    expected -= head[(o * d) + j] * p;
                }

                Assert.Equal(expected, actual[(o * d) + i], 5);
            }
        }

        foreach (var (name, values) in Values(model))
        {
            var isWeight = name.EndsWith(".0.weight", StringComparison.Ordinal);
            Assert.True(isWeight != values.SequenceEqual(before[name]), $"{name} {(isWeight ? "stayed" : "changed")}");
        }
    }

    [Fact]
    public void Without_importance_of_the_forgetting_data_nothing_changes()
    {
        using var model = SmallImages.Model();
        var before = FeatureMethodTests.Weights(model);
        FeatureMethodTests.Run(model, "kodge", Small(), FeatureMethodTests.With("alpha-forget", 0));
        Assert.Equal(before, FeatureMethodTests.Weights(model));
    }

    [Fact]
    public void Equal_seeds_choose_equal_images_and_patches()
    {
        float[] Weights(ulong seed)
        {
            using var model = SmallImages.Model();
            FeatureMethodTests.Run(model, "kodge", Small(), new UnlearningOptions
            {
                Seed = seed,
                Parameters = new Dictionary<string, double> { ["samples"] = 3, ["patches"] = 100 },
            });
            return FeatureMethodTests.Weights(model);
        }

        Assert.Equal(Weights(1), Weights(1));
        Assert.NotEqual(Weights(1), Weights(2));
    }

    internal static ForgetSplit Small() => ForgetSplit.Create(SmallImages.Data(train: 20, test: 4), ForgetRequest.ForClasses(2));

    internal static Dictionary<string, float[]> Values(Classifier model) => model.NamedParameters.Select(p => (p.Name, p.Parameter.Value))
        .Concat(model.NamedBuffers.Select(b => (b.Name, b.Buffer))).ToDictionary(v => v.Name, v => v.Item2.ToArray());

    // M of features by their SVD, with plain loops.
    private static double[] Importance(FeatureBank bank, double alpha)
    {
        var d = bank.Width;
        var svd = Svd.Decompose(Array.ConvertAll(bank.Features, v => (double)v), bank.Count, d, SvdVectors.Right);
        var total = svd.Values.Sum(s => s * s);
        var m = new double[d * d];
        for (var k = 0; k < svd.RightCount; k++)
        {
            var share = svd.Values[k] * svd.Values[k] / total;
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                    m[(i * d) + j] += alpha * share / (((alpha - 1) * share) + 1) * svd.Right[(i * svd.RightCount) + k] * svd.Right[(j * svd.RightCount) + k];
            }
        }

        return m;
    }

    // U diag(l) Uᵀ
    private static double[] Turn(double[] u, double[] l)
    {
        var result = new double[9];
        for (var i = 0; i < 9; i++)
            result[i] = Enumerable.Range(0, 3).Sum(k => u[(i / 3 * 3) + k] * l[k] * u[(i % 3 * 3) + k]);
        for (var i = 0; i < 3; i++)
        {
            for (var j = 0; j < i; j++)
                result[(i * 3) + j] = result[(j * 3) + i];
        }

        return result;
    }
}
