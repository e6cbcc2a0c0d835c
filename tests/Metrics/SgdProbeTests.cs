using EscNative.Kernels;
using EscNative.Tests.Kernels;
using EscNative.Unlearning;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

[Collection(CpuThreads.Collection)]
public sealed class SgdProbeTests
{
    [Theory]
    [InlineData(0.0, 64)]
    [InlineData(0.9, 7)]
    [InlineData(0.0, 1000)]
    public void Weights_agree_with_plain_loops(double momentum, int batch)
    {
        var seed = Synthetic.FreshSeed();
        var data = Synthetic.Data(150, 10, 5, 3, 0.5f, seed, 1);
        var options = new SgdProbeOptions { LearningRate = 0.05, Momentum = momentum, Batch = batch, Epochs = 3, Seed = seed };
        var probe = SgdProbe.Run(data, options);
        var (weight, bias, loss) = Naive(data.Train, options);
        Assert.True(Math.Abs(loss - probe.Loss) <= 1e-10, $"seed {seed}: loss {probe.Loss}, wants {loss}");
        for (var i = 0; i < weight.Length; i++)
            Assert.True(Math.Abs(weight[i] - probe.Head.Weight[i]) <= 1e-10, $"seed {seed}: weight {i}");
        for (var c = 0; c < bias.Length; c++)
            Assert.True(Math.Abs(bias[c] - probe.Head.Bias[c]) <= 1e-10, $"seed {seed}: bias {c}");
    }

    [Fact]
    public void The_first_weights_are_xavier_normal()
    {
        var train = Synthetic.Data(64, 8, 200, 50, 1, 3, 0);
        // A learning rate too small to move a weight leaves the first ones.
        var probe = SgdProbe.Run(train, new SgdProbeOptions { LearningRate = 1e-300, Epochs = 1 });
        var weight = probe.Head.Weight.ToArray();
        var deviation = Math.Sqrt(weight.Average(w => w * w));
        // 10,000 draws: the deviation is known to 0.7 %, so 4 standard errors are 2.8 %.
        Assert.InRange(deviation, 0.972 * Math.Sqrt(2.0 / 250), 1.028 * Math.Sqrt(2.0 / 250));
        Assert.All(probe.Head.Bias.ToArray(), b => Assert.True(Math.Abs(b) < 1e-290));
    }

    [Fact]
    public void A_seed_gives_the_same_bits_again_and_another_seed_others()
    {
        var data = Synthetic.Data(500, 50, 12, 4, 1, 11, 2);
        Threads.AssertSameBits(() => SgdProbe.Run(data).Head.Weight.ToArray());
        Assert.NotEqual(
            SgdProbe.Run(data).Head.Weight.ToArray(), SgdProbe.Run(data, SgdProbeOptions.Official with { Seed = 43 }).Head.Weight.ToArray());
    }

    [Fact]
    public void A_probe_that_diverges_has_no_accuracies()
    {
        var data = Synthetic.Map(Synthetic.Data(300, 30, 4, 3, 1, 5, 0), f => Array.ConvertAll(f, v => v * 1e30f));
        var probe = SgdProbe.Run(data, new SgdProbeOptions { LearningRate = 1e300 });
        Assert.EndsWith("diverged", probe.Setting, StringComparison.Ordinal);
        Assert.Equal(new ForgetAccuracies(null, null, null, null), probe.Accuracies);
    }

    [Fact]
    public void Progress_rises_to_one_and_a_cancellation_ends_it()
    {
        var data = Synthetic.Data(500, 50, 4, 3, 1, 5, 0);
        var shares = new List<double>();
        SgdProbe.Run(data, progress: new SynchronousProgress<double>(shares.Add));
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[^1]);
        Assert.True(shares.Count >= 10);
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => SgdProbe.Run(data, cancel: cancel.Token));
    }

    [Theory]
    [InlineData(0.0, 0.0, 10, 64)]
    [InlineData(double.NaN, 0.0, 10, 64)]
    [InlineData(0.1, 1.0, 10, 64)]
    [InlineData(0.1, -0.1, 10, 64)]
    [InlineData(0.1, 0.0, 0, 64)]
    [InlineData(0.1, 0.0, 10, 0)]
    public void Options_that_make_no_sense_are_refused(double rate, double momentum, int epochs, int batch)
    {
        var options = new SgdProbeOptions { LearningRate = rate, Momentum = momentum, Epochs = epochs, Batch = batch };
        Assert.Throws<UsageException>(() => SgdProbe.Run(Synthetic.Data(10, 2, 2, 2, 1, 1, 0), options));
    }

    private static (double[] Weight, double[] Bias, double Loss) Naive(FeatureSplit train, SgdProbeOptions options)
    {
        int width = train.Width, classes = train.Classes;
        var normal = new float[classes * width];
        new RandomSource(options.Seed).FillNormal(normal);
        var weight = Array.ConvertAll(normal, v => v * Math.Sqrt(2.0 / (width + classes)));
        var (bias, weightVelocity, biasVelocity) = (new double[classes], new double[weight.Length], new double[classes]);
        var order = new RandomSource(options.Seed, stream: 1);
        var loss = 0.0;
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            loss = 0;
            foreach (var batch in order.Permutation(train.Rows).Chunk(options.Batch))
            {
                var (weightGradient, biasGradient) = (new double[weight.Length], new double[classes]);
                foreach (var row in batch)
                {
                    var z = train.Features.AsSpan(row * width, width);
                    var scores = (double[])bias.Clone();
                    for (var i = 0; i < weight.Length; i++)
                        scores[i / width] += weight[i] * z[i % width];
                    var sum = scores.Sum(Math.Exp);
                    loss -= Math.Log(Math.Exp(scores[train.Labels[row]]) / sum);
                    for (var i = 0; i < weight.Length; i++)
                        weightGradient[i] += Error(i / width) * z[i % width] / batch.Length;
                    for (var c = 0; c < classes; c++)
                        biasGradient[c] += Error(c) / batch.Length;
                    double Error(int c) => (Math.Exp(scores[c]) / sum) - (c == train.Labels[row] ? 1 : 0);
                }

                Move(weight, weightVelocity, weightGradient);
                Move(bias, biasVelocity, biasGradient);
            }
        }

        return (weight, bias, loss / train.Rows);
        void Move(double[] values, double[] velocity, double[] gradient)
        {
            for (var i = 0; i < values.Length; i++)
            {
                velocity[i] = (options.Momentum * velocity[i]) + gradient[i];
                values[i] -= options.LearningRate * velocity[i];
            }
        }
    }
}
