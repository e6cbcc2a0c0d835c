using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;

namespace EscNative.Tests.Unlearning;

public sealed class SsdTests
{
    [Fact]
    public void An_endless_alpha_is_the_identity()
    {
        // Oracle of section 11, item 10.
        using var model = SmallImages.Model();
        var before = FeatureMethodTests.Weights(model);
        var result = FeatureMethodTests.Run(model, "ssd", KodgeTests.Small(), FeatureMethodTests.With("alpha", 1e300));
        Assert.Equal(before, FeatureMethodTests.Weights(model));
        Assert.StartsWith("0 of", Assert.Single(result.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.2, 1, 4)]
    [InlineData(0.5, 0.1, 7)]
    public void Weights_are_dampened_by_the_ratio_of_squared_batch_gradients(double alpha, double lambda, int batch)
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var split = KodgeTests.Small();
        var before = model.Parameters.Select(p => p.Value.ToArray()).ToArray();
        var (forget, forgetBatches) = Importance(model, split.Forget, batch);
        var (remain, remainBatches) = Importance(model, split.Remain, batch);
        FeatureMethodTests.Run(model, "ssd", split, new EscNative.Unlearning.UnlearningOptions
        {
            Parameters = new Dictionary<string, double> { ["alpha"] = alpha, ["lambda"] = lambda, ["batch"] = batch },
        });
        var (changed, index) = (0, 0);
        foreach (var parameter in model.Parameters)
        {
            var after = parameter.Value.ToArray();
            for (var j = 0; j < after.Length; j++)
            {
                var ofForget = forget[index][j] / forgetBatches;
                var ofAll = (forget[index][j] + remain[index][j]) / (forgetBatches + remainBatches);
                var expected = ofForget > alpha * ofAll ? (float)(before[index][j] * Math.Min(1, lambda * ofAll / ofForget)) : before[index][j];
                Assert.Equal(expected, after[j], 1e-6f);
                changed += after[j] == before[index][j] ? 0 : 1;
            }

            index++;
        }

        Assert.InRange(changed, 1, model.ParameterCount - 1);
    }

    // Sums of squares of the batch mean's gradient, by autograd and plain loops.
    private static (double[][] Sums, int Batches) Importance(Classifier model, ImageSet images, int size)
    {
        var sums = model.Parameters.Select(p => new double[p.Shape.Count]).ToArray();
        var batches = 0;
        foreach (var batch in new BatchLoader(images, Normalisation.Half, new BatchOptions { BatchSize = size, Device = model.Device }).Epoch())
        {
            batches++;
            using var scope = Tensor.Scope();
            using var gradients = Loss.CrossEntropy(model.Forward(batch.Images), batch.Labels).Backward();
            foreach (var (sum, parameter) in sums.Zip(model.Parameters))
            {
                var g = gradients[parameter].ToArray();
                for (var j = 0; j < sum.Length; j++)
                    sum[j] += (double)g[j] * g[j];
            }
        }

        return (sums, batches);
    }
}
