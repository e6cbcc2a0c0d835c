using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>The saliency of SalUn is the absolute value of a sum over all batches of D_f: neither that of the last one, nor the sum of
/// their absolute values.</summary>
public sealed class SeveralBatchesTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    [InlineData(1)]
    public void SalUn_moves_what_all_batches_together_find_salient(int batch)
    {
        const double ratio = 0.3;
        var method = new SalUn();
        using var model = Tiny.Model();
        using var original = Tiny.Model();
        var (before, batches) = (Values(original), Gradients(original, batch));
        Assert.Equal((6 + batch - 1) / batch, batches.Count);
        Tiny.Run(method, model, Tiny.Options(method, ("ratio", ratio), ("batch", batch), ("weight-decay", 0.1), ("learning-rate", 0.1), ("epochs", 1)));
        var after = Values(model);
        var moved = Enumerable.Range(0, before.Length).Select(i => BitConverter.SingleToInt32Bits(before[i]) != BitConverter.SingleToInt32Bits(after[i])).ToArray();
        var count = (int)(ratio * before.Length);
        var own = Disagreements(i => Math.Abs(batches.Sum(g => g[i])));
        Assert.True(own <= 0.02 * count, $"{own} of {count} weights do not move as the sum says");
        // What the test would not tell apart, it would not test.
        Assert.True(Disagreements(i => Math.Abs(batches[^1][i])) > 0.1 * count);
        Assert.True(Disagreements(i => Math.Abs(batches[0][i])) > 0.1 * count);
        // Of two batches the signs seldom differ where it matters.
        Assert.True(batches.Count < 3 || Disagreements(i => batches.Sum(g => Math.Abs(g[i]))) > (3 * own) + 5);

        int Disagreements(Func<int, double> saliency)
        {
            var chosen = Enumerable.Range(0, before.Length).OrderByDescending(saliency).Take(count).ToHashSet();
            return moved.Where((m, i) => m != chosen.Contains(i)).Count();
        }
    }

    // Of each batch in evaluation mode.
    private static List<double[]> Gradients(Classifier model, int batch)
    {
        model.Training = false;
        var random = new RandomSource(11, TrainingStreams.Of(TrainingStreams.Forget, 0));
        var loader = new BatchLoader(Tiny.Split.Forget, Normalisation.Half, new BatchOptions
        {
            BatchSize = batch,
            Shuffle = true,
            Augmentation = Augmentation.Flip,
            Seed = ((ulong)random.NextBits() << 32) | random.NextBits(),
        });
        var all = new List<double[]>();
        foreach (var part in loader.Epoch())
        {
            using var scope = Tensor.Scope();
            using var gradients = Loss.CrossEntropy(model.Forward(part.Images), part.Labels).Backward();
            all.Add([.. model.Parameters.SelectMany(p => gradients[p].ToArray()).Select(v => (double)v)]);
        }

        return all;
    }

    private static float[] Values(Classifier model) => [.. model.Parameters.SelectMany(p => p.Value.ToArray())];
}
