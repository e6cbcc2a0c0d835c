using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Tests.Engine;
using EscNative.Tests.Models;

namespace EscNative.Tests.Plans;

public sealed class VisionTransformerPlanTests
{
    [Fact]
    public void Everything_that_can_be_is_fused_and_the_last_block_computes_the_class_token_alone()
    {
        using var model = SmallVit.Model();
        var steps = CompiledExtractor.Describe(model, 32, 32);
        string[] block = ["norm1 layer norm", "attn.qkv linear", "attn attention, 4 heads", "attn.proj linear + add", "norm2 layer norm", "mlp.fc1 linear + gelu", "mlp.fc2 linear + add"];
        string[] last = ["norm1 layer norm", "attn linear", "attn slice", "attn linear", "attn attention, 4 heads", "attn.proj linear + add", "norm2 layer norm", "mlp.fc1 linear + gelu", "mlp.fc2 linear + add"];
        Assert.Equal(
            [
                "features.patch_embed.proj conv 8x8 stride 8", "features reshape", "features concat of 2 + constant",
                .. block.Select(s => $"features.blocks.0.{s}"), .. block.Select(s => $"features.blocks.1.{s}"),
                "features slice", .. last.Select(s => $"features.blocks.2.{s}"), "features.norm layer norm", "features reshape", "head.0 linear",
            ],
            steps.Select(s => $"{s.Name} {s.Kind}"));
        var (t, d) = (17, 32);
        Assert.Equal(new Shape(t, 3 * d), steps[4].Output);
        // Keys and values of all tokens; what asks, and all behind it, of one.
        Assert.Equal(new Shape(t, 2 * d), steps.First(s => s.Name == "features.blocks.2.attn").Output);
        Assert.All(steps.SkipWhile(s => s.Kind != "attention, 4 heads" || s.Name != "features.blocks.2.attn").Take(6), s => Assert.Equal(1, s.Output[0]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void It_gives_what_the_layers_give_and_no_image_depends_on_the_others(int n)
    {
        using var model = SmallVit.Model(TestDevices.Current);
        model.Training = false;
        var d = model.FeatureWidth;
        model.Erase(new ErasureOperator(d, ErasureFactor.Projection([1, .. new double[d - 1]], d)));
        var x = Array.ConvertAll(PlaceValues.Uniform(n * 32 * 32 * 3, 7), v => (float)(2 * v));
        float[] features, scores;
        using (Tensor.Scope())
        using (Tensor.NoGrad())
        {
            var z = model.Features(Tensor.From(x, (n, 32, 32, 3), TestDevices.Current));
            (features, scores) = (z.ToArray(), model.Head.Forward(z).ToArray());
        }

        using var plan = CompiledExtractor.Compile(model, 32, 32);
        var (gotFeatures, gotScores) = (new float[features.Length], new float[scores.Length]);
        plan.Run(x, gotFeatures, gotScores);
        AssertClose(features, gotFeatures);
        AssertClose(scores, gotScores);
        for (var i = 0; i < n; i++)
        {
            var alone = new float[d];
            plan.Features(x.AsSpan(i * 3072, 3072), alone);
            Assert.Equal(gotFeatures.AsSpan(i * d, d).ToArray(), alone);
        }

        // Three blocks of sums of up to 128 terms, 192 in the patches: 8 x 8 x 3 x √192 x 2^-24 of the largest value, see RandomNetwork.Tolerance.
        static void AssertClose(float[] wanted, float[] got)
        {
            var largest = wanted.Max(Math.Abs);
            for (var i = 0; i < wanted.Length; i++)
                Assert.InRange(got[i], wanted[i] - (1.6e-4 * largest), wanted[i] + (1.6e-4 * largest));
        }
    }
}
