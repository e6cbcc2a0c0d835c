using EscNative.Kernels;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>RL, random label: trains the forgetting data towards wrong classes (Golatkar et al.).</summary>
/// <remarks>
/// Sees D_f only. Loss: CE(D_f, y'), with y' drawn once for each image, uniform over the classes but its own. The sources differ in this
/// law (SalUn's draws over all classes and anew for each batch); learning rate 0.01 and 10 epochs are those of the class-wise recipes.
/// </remarks>
public sealed class RandomLabel : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "rl";

    /// <inheritdoc/>
    public override string Description => "RL: cross-entropy on the forgetting data with random wrong labels (Golatkar et al.)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(10), TrainingParameters.LearningRate(0.01), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(5e-4), TrainingParameters.Batch(256), TrainingParameters.Flip(true),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var labels = WrongLabels(setup.Forget.Labels(), setup.Model.Classes, setup.Random(TrainingStreams.Labels));
        var loader = setup.Loader(setup.Forget, TrainingStreams.Forget);
        return new TrainingTask(setup.Sgd(), setup.Epochs, epoch => [TrainingPass.Over(loader, epoch, batch => setup.CrossEntropy(batch, labels))]);
    }

    /// <summary>A class for each label, uniform over the others.</summary>
    internal static int[] WrongLabels(int[] labels, int classes, RandomSource random) =>
        [.. labels.Select(label => (label + 1 + random.NextInt(classes - 1)) % classes)];
}
