using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>LAU, layer attack unlearning: pushes features over the boundary of the last layer, and trains that layer alone to follow (Kim et al., AAAI 2024, arXiv 2312.16823).</summary>
/// <remarks>
/// Sees D_f only; its features are computed once. Each epoch the teacher is the last layer as the epoch finds it. For a batch of features z:
/// z' is z moved by partial PGD, at most <c>bound</c> a value, so that the teacher errs; for a feature that is still predicted as its class
/// the hard target is the class of the teacher's largest score on z' and the soft one its scores; the others keep their own prediction.
/// Loss = (1 - a) CE(s, hard) + a T² KL(softmax(t / T) || softmax(s / T)). It stops after a batch of which nothing was predicted right any more.
/// <para>
/// No official code was found. Temperature 4, a = 0.5, bound 0.3, step 0.4, 40 iterations and 3 epochs are a third party's; what is wrong in it (features cut
/// to [0, 1], softmax of a softmax) is not copied. Learning rate, momentum and batch are ours. The extractor keeps every bit, so what can
/// be read from the features stays: a control for measures of knowledge retention.
/// </para>
/// </remarks>
public sealed class LayerAttack : TrainingMethod
{
    private const double LargestScore = 1e5;

    /// <inheritdoc/>
    public override string Name => "lau";

    /// <inheritdoc/>
    public override string Description => "LAU: trains the last layer alone to follow attacked features over its boundary (Kim et al., AAAI 2024)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(3), TrainingParameters.LearningRate(0.01), TrainingParameters.Momentum(0.9), TrainingParameters.WeightDecay(0),
        TrainingParameters.Batch(64), TrainingParameters.Temperature(4),
        TrainingParameters.Share("alpha", 0.5, "the share of the distillation in the loss"),
        new("bound", 0.3, "how far a value of a feature may be moved"),
        new("step", 0.4, "how far it is moved at a time, before it is cut to the bound"),
        new("iterations", 40, "steps of an attack") { Maximum = 100_000, IsWhole = true },
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        var bank = FeatureBank.Extract(setup.Model, setup.Forget, cancel: setup.Cancel);
        var run = new Distillation(setup, bank);
        var head = setup.Model.Head;
        return new TrainingTask(setup.Sgd(head.Bias is null ? [head.Weight] : [head.Weight, head.Bias]), setup.Epochs, run.Passes)
        {
            BatchStatistics = false,
            Counters = run.Counters,
            Stop = () => run.AllWrong ? "no image of a batch was predicted as its class any more" : null,
            Notes = () => run.Counters[0] > 0 ? [FormattableString.Invariant($"{run.Counters[0]} of {run.Counters[1]} attacks did not change the teacher's prediction: those features trained towards their own class")] : [],
        };
    }

    private sealed class Distillation(TrainingSetup setup, FeatureBank bank)
    {
        private readonly MethodParameters _parameters = setup.Parameters;

        /// <summary>Attacks that failed, and all.</summary>
        public long[] Counters { get; } = new long[2];

        public bool AllWrong { get; private set; }

        public IReadOnlyList<TrainingPass> Passes(int epoch)
        {
            // The teacher of the epoch: the last layer as it is now.
            var head = setup.Model.Head;
            var (weight, bias) = (head.Weight.Value.ToArray(), head.Bias?.Value.ToArray() ?? new float[bank.Classes]);
            var attack = new FeatureAttack(weight, bias, _parameters["bound"], _parameters["step"], _parameters.Whole("iterations"));
            var batches = setup.Random(TrainingStreams.Forget, epoch).Permutation(bank.Count).Chunk(_parameters.Whole("batch")).ToArray();
            return [new TrainingPass(batches.Length, batches.Select(rows => (Func<Tensor>)(() => Distance(head, attack, weight, bias, rows))))];
        }

        private Tensor Distance(Linear head, FeatureAttack attack, float[] weight, float[] bias, int[] rows)
        {
            var (d, classes, n) = (bank.Width, bank.Classes, rows.Length);
            var z = new float[n * d];
            for (var i = 0; i < n; i++)
                bank.Features.AsSpan(rows[i] * d, d).CopyTo(z.AsSpan(i * d));
            using var scope = Tensor.Scope();
            var scores = head.Forward(Tensor.From(z, (n, d), setup.Model.Device));
            var own = scores.ToArray();
            // Where the layer has left every scale, its own predictions would look like success.
            if (!Array.TrueForAll(own, s => Math.Abs(s) <= LargestScore))
                return scope.Keep((scores * scores).Mean());
            var (soft, hard, moved) = ((float[])own.Clone(), new int[n], new float[d]);
            AllWrong = true;
            for (var i = 0; i < n; i++)
            {
                var label = bank.Labels[rows[i]];
                var row = soft.AsSpan(i * classes, classes);
                if (Largest(row) == label)
                {
                    AllWrong = false;
                    attack.Move(z.AsSpan(i * d, d), label, moved);
                    Scores(weight, bias, moved, row);
                    Counters[1]++;
                    if (Largest(row) == label)
                        Counters[0]++;
                }

                hard[i] = Largest(row);
            }

            var (alpha, device) = (_parameters["alpha"], setup.Model.Device);
            var crossEntropy = Loss.CrossEntropy(scores, Tensor.From(hard, n, device));
            var distillation = Loss.KlDivergence(scores, Tensor.From(soft, (n, classes), device), _parameters["temperature"]);
            return scope.Keep((crossEntropy * (1 - alpha)) + (distillation * alpha));
        }

        private static void Scores(float[] weight, float[] bias, float[] z, Span<float> scores)
        {
            for (var c = 0; c < scores.Length; c++)
            {
                double sum = bias[c];
                for (var j = 0; j < z.Length; j++)
                    sum += (double)weight[(c * z.Length) + j] * z[j];
                scores[c] = (float)sum;
            }
        }

        private static int Largest(ReadOnlySpan<float> scores)
        {
            var best = 0;
            for (var c = 1; c < scores.Length; c++)
                best = scores[c] > scores[best] ? c : best;
            return best;
        }
    }
}
