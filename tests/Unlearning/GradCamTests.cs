using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Models;
using EscNative.Unlearning.Reports;

namespace EscNative.Tests.Unlearning;

public sealed class GradCamTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_closed_form_is_what_autodiff_gives(bool erased)
    {
        // Oracle of section 11, item 13.
        using var model = SmallImages.Model();
        model.Training = false;
        var d = model.FeatureWidth;
        if (erased)
        {
            var (left, right) = (new double[d], new double[d]);
            (left[0], left[5], right[0], right[7]) = (0.5, 1, 1, 0.3);
            model.Erase(new ErasureOperator(d, ErasureFactor.Oblique(left, right, d, [.. Enumerable.Range(0, d).Select(i => 0.01 * i)])));
        }

        var images = SmallImages.Set(3, 9);
        using var scope = Tensor.Scope();
        Tensor a;
        using (Tensor.NoGrad())
            a = LastActivations(model, images);
        var p = (model.Erasure ?? new ErasureOperator(d)).ToDense();
        var projection = Tensor.From(Array.ConvertAll(p, v => (float)v), (d, d), model.Device);
        var pixels = a.Shape[1] * a.Shape[2];
        for (var c = 0; c < model.Classes; c++)
        {
            var leaf = a.Detach().RequireGradient();
            var seed = new float[3 * model.Classes];
            for (var i = 0; i < 3; i++)
                seed[(i * model.Classes) + c] = 1;
            var logits = model.Head.Forward(leaf.GlobalAveragePool2d().MatMul(projection.Transpose()));
            using var gradients = logits.Backward(Tensor.From(seed, (3, model.Classes), model.Device));
            var (values, slopes) = (a.ToArray(), gradients[leaf].ToArray());
            var maps = GradCam.Maps(model, images, [c, c, c]);
            for (var i = 0; i < 3; i++)
            {
                var image = values.AsSpan(i * pixels * d, pixels * d).ToArray();
                // Grad-CAM proper: channel weights are the mean gradients.
                var weights = Enumerable.Range(0, d).Select(k => Enumerable.Range(0, pixels).Average(q => (double)slopes[(((i * pixels) + q) * d) + k])).ToArray();
                var expected = Enumerable.Range(0, pixels).Select(q => Math.Max(0, Enumerable.Range(0, d).Sum(k => weights[k] * image[(q * d) + k]))).ToArray();
                var whole = new double[model.Classes * d];
                weights.Select(w => w * pixels).ToArray().CopyTo(whole, c * d);
                var actual = GradCam.Map(image, (1, a.Shape[1], a.Shape[2], d), whole, c);
                for (var q = 0; q < pixels; q++)
                    Assert.Equal(expected[q], actual[q], 6);
                // The public map is that one enlarged and stretched to 0 .. 1.
                var large = new float[1024];
                GradCam.Enlarge(actual, a.Shape[1], a.Shape[2], large, 32, 32);
                var (low, high) = (large.Min(), large.Max());
                for (var q = 0; q < 1024; q++)
                    Assert.Equal(high > low ? (large[q] - low) / (high - low) : 0, maps[(i * 1024) + q], 3);
            }
        }
    }

    [Fact]
    public void Enlarging_is_bilinear_between_pixel_centres()
    {
        // PyTorch: interpolate([[0, 1], [2, 4]], size=(4, 4), mode="bilinear", align_corners=False).
        var large = new float[16];
        GradCam.Enlarge([0, 1, 2, 4], 2, 2, large, 4, 4);
        Assert.Equal([0, 0.25f, 0.75f, 1, 0.5f, 0.8125f, 1.4375f, 1.75f, 1.5f, 1.9375f, 2.8125f, 3.25f, 2, 2.5f, 3.5f, 4], large);
        var one = new float[6];
        GradCam.Enlarge([7], 1, 1, one, 2, 3);
        Assert.All(one, v => Assert.Equal(7, v));
    }

    [Fact]
    public void Maps_are_between_0_and_1_and_wrong_classes_are_refused()
    {
        using var model = SmallImages.Model();
        var images = SmallImages.Set(2, 9);
        Assert.All(GradCam.Maps(model, images, [0, 3]), v => Assert.InRange(v, 0, 1));
        Assert.Empty(GradCam.Maps(model, images.Subset([], "none"), []));
        Assert.Throws<UsageException>(() => GradCam.Maps(model, images, [0]));
        Assert.Throws<UsageException>(() => GradCam.Maps(model, images, [0, 4]));
    }

    private static Tensor LastActivations(Classifier model, ImageSet images)
    {
        Tensor? last = null;
        using var inputs = LayerInputScope.Begin((layer, x) => last = layer is GlobalAveragePool2d ? x.Clone().Persist() : last);
        foreach (var batch in new BatchLoader(images, Normalisation.Half, new BatchOptions { Device = model.Device }).Epoch())
        {
            using var scope = Tensor.Scope();
            model.Features(batch.Images);
        }

        using (last)
            return last!.Clone();
    }
}
