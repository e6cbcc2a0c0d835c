using EscNative.Engine;
using EscNative.Models.Data;
using EscNative.Unlearning.Features;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>UNSIR: impairs the model with noise that maximises the forgotten class's error, then repairs it on remaining data (Tarun et al., "Fast yet Effective Machine Unlearning").</summary>
/// <remarks>
/// Needs no image of D_f, only its classes. For each forgotten class <c>noise-images</c> images minimise -CE + 0.1 mean sum N² (Adam 0.1, 5 x 8
/// steps). The first epoch impairs: those images, each <c>noise-repeats</c> times with the forgotten class as label, mixed with a sample of D_r, Adam 0.02. The others repair, as
/// published one: the sample alone, Adam 0.01. The sample has up to 1,000 images of each class. One Adam does both, so that its moments go on where the
/// authors begin new ones.
/// <para>
/// The authors' code, and two others that follow it, use only the first 3 of each 256 noise images, because they take the number of colours for the
/// size of the batch; here all are used, as the paper describes. Those two variants take Adam 1e-4 in both epochs and 500 images a class.
/// </para>
/// </remarks>
public sealed class Unsir : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "unsir";

    /// <inheritdoc/>
    public override string Description => "UNSIR: impairs with error-maximising noise for the forgotten class, repairs on remaining data (Tarun et al.)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        new("epochs", 2, "the first impairs, the others repair") { Minimum = 2, Maximum = 100_000, IsWhole = true },
        TrainingParameters.LearningRate(0.02),
        new("repair-learning-rate", 0.01, "the step size of the repair"),
        TrainingParameters.Batch(256),
        TrainingParameters.Batch("samples", 1000, "remaining images of each class, at most"),
        TrainingParameters.Batch("noise-images", 256, "images of noise for each forgotten class"),
        TrainingParameters.Batch("noise-repeats", 20, "how often each image of noise is seen"),
        new("noise-steps", 40, "steps in which the noise is found") { Maximum = 100_000, IsWhole = true },
        new("noise-learning-rate", 0.1, "the size of those steps"),
    ];

    /// <inheritdoc/>
    public override string? WhyNotApplicable(UnlearningContext context) => base.WhyNotApplicable(context) ?? ForgottenClasses.WhyNotByClass(Name, context);

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        var classes = new ForgottenClasses(setup.Forget, setup.Remain);
        var forgotten = classes.Forgotten;
        var shape = new Shape(setup.Parameters.Whole("noise-images"), setup.Forget.Height, setup.Forget.Width, setup.Forget.Channels);
        var noise = new float[forgotten.Length][];
        for (var f = 0; f < noise.Length; f++)
        {
            setup.Report("noise", f, noise.Length);
            noise[f] = ErrorNoise.Find(
                setup.Original, forgotten[f], shape, setup.Parameters.Whole("noise-steps"), setup.Parameters["noise-learning-rate"],
                setup.Random(TrainingStreams.Labels, f), setup.Cancel);
        }

        var mixture = new Mixture(setup, Sample(setup), noise, forgotten, shape);
        return new TrainingTask(setup.Adam(), setup.Epochs, epoch => [mixture.Pass(epoch, withNoise: epoch == 0)])
        {
            LearningRate = epoch => setup.Parameters[epoch == 0 ? "learning-rate" : "repair-learning-rate"],
        };
    }

    private static ImageSet Sample(TrainingSetup setup)
    {
        var most = setup.Parameters.Whole("samples");
        var chosen = setup.Random(TrainingStreams.Subset).Permutation(setup.Remain.Count).GroupBy(setup.Remain.Label).SelectMany(own => own.Take(most));
        return setup.Remain.Subset([.. chosen.Order()], "a sample of D_r");
    }

    /// <summary>Batches of noise and images in one random order; noise has no bytes, so that no image set can hold it.</summary>
    private sealed class Mixture(TrainingSetup setup, ImageSet sample, float[][] noise, int[] forgotten, Shape shape)
    {
        private readonly float[] _table = setup.Model.Description.Normalisation.Table(sample.Channels);

        public TrainingPass Pass(int epoch, bool withNoise)
        {
            var noises = withNoise ? noise.Length * shape[0] * setup.Parameters.Whole("noise-repeats") : 0;
            var order = setup.Random(TrainingStreams.Remain, epoch).Permutation(sample.Count + noises);
            var size = setup.Parameters.Whole("batch");
            // One image has no variance to normalise with: it joins the batch before it.
            var batches = Math.Max((order.Length + size - 1) / size - (order.Length % size == 1 ? 1 : 0), 1);
            return new TrainingPass(batches, Enumerable.Range(0, batches).Select(
                b => (Func<Tensor>)(() => Cost(order.AsSpan()[(b * size)..(b == batches - 1 ? order.Length : (b + 1) * size)]))));
        }

        private Tensor Cost(ReadOnlySpan<int> indices)
        {
            var (size, device) = (sample.ImageSize, setup.Model.Device);
            var (values, labels) = (new float[indices.Length * size], new int[indices.Length]);
            for (var i = 0; i < indices.Length; i++)
            {
                var to = values.AsSpan(i * size, size);
                if (indices[i] >= sample.Count)
                {
                    var entry = (indices[i] - sample.Count) % (noise.Length * shape[0]);
                    labels[i] = forgotten[entry / shape[0]];
                    noise[entry / shape[0]].AsSpan(entry % shape[0] * size, size).CopyTo(to);
                    continue;
                }

                labels[i] = sample.Label(indices[i]);
                var pixels = sample.Pixels(indices[i]);
                for (var p = 0; p < size; p++)
                    to[p] = _table[(p % sample.Channels * 256) + pixels[p]];
            }

            using var scope = Tensor.Scope();
            var images = Tensor.From(values, (indices.Length, sample.Height, sample.Width, sample.Channels), device);
            return scope.Keep(Loss.CrossEntropy(setup.Model.Forward(images), Tensor.From(labels, labels.Length, device)));
        }
    }
}
