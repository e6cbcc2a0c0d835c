using System.Globalization;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>BS, boundary shrink: trains each image to forget towards the class on the other side of its nearest boundary (Chen et al., CVPR 2023).</summary>
/// <remarks>
/// Sees D_f only. For each batch the original model is attacked with one step of the sign of the gradient (<see cref="SignAttack"/>); the
/// class that it then predicts is the image's new label y', and the loss is CE(x, y') on the image as it is. SGD with learning rate 1e-5 and
/// momentum 0.9, batch 64, 10 epochs, training mode. An image that the attack does not move over a boundary is trained towards its own
/// label: the result counts them. The released code undoes its normalisation with the wrong constants; here they are the model's own.
/// </remarks>
public sealed class BoundaryShrink : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "bs";

    /// <inheritdoc/>
    public override string Description => "BS: the forgetting data trained towards the nearest wrong class, found by an attack on the original (Chen et al., CVPR 2023)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(10), TrainingParameters.LearningRate(1e-5), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(0), TrainingParameters.Batch(64), TrainingParameters.Flip(false),
        TrainingParameters.Share("bound", 0.1, "how far the attack moves a pixel, on the scale 0 to 1"),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var attack = new SignAttack(setup.Original, setup.Parameters["bound"]);
        var loader = setup.Loader(setup.Forget, TrainingStreams.Forget);
        long[] counters = [0, 0];
        return new TrainingTask(setup.Sgd(), setup.Epochs, epoch => [TrainingPass.Over(loader, epoch, batch =>
        {
            var labels = attack.Labels(batch);
            var targets = new int[setup.Forget.Count];
            for (var i = 0; i < batch.Count; i++)
            {
                targets[batch.Indices[i]] = labels[i];
                counters[0]++;
                counters[1] += labels[i] == setup.Forget.Label(batch.Indices[i]) ? 1 : 0;
            }

            return setup.CrossEntropy(batch, targets);
        })])
        {
            Counters = counters,
            Notes = () => counters[0] == 0 ? [] : [string.Create(
                CultureInfo.InvariantCulture,
                $"{counters[1]} of {counters[0]} attacks ({100.0 * counters[1] / counters[0]:F1} %) left the original at the image's own label, which it was then trained towards")],
        };
    }
}
