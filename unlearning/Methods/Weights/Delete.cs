using EscNative.Engine;
using EscNative.Models.Data;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>DELETE, decoupled distillation to erase: the model learns from the original what it would say if the true class did not exist (CVPR 2025, arXiv 2503.23751).</summary>
/// <remarks>
/// Sees D_f only. Loss: KL(softmax(original's scores with the true class's at -1e10) || softmax(scores)), mean over the batch, the original in
/// evaluation mode, the model in training mode. The defaults are those of the authors' code for CIFAR-10 with ResNet-18: SGD with momentum
/// 0.9 and learning rate 1e-4, 20 epochs, batch 128. They are published for no All-CNN.
/// </remarks>
public sealed class Delete : TrainingMethod
{
    // Minus infinity would make 0 · infinity of the vanished class's share; the authors' code has the same number.
    private const double Vanished = 1e10;

    /// <inheritdoc/>
    public override string Name => "delete";

    /// <inheritdoc/>
    public override string Description => "DELETE: distils the original without the forgotten class's score, on the forgetting data alone (CVPR 2025)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(20), TrainingParameters.LearningRate(1e-4), TrainingParameters.Momentum(0.9), TrainingParameters.WeightDecay(0),
        TrainingParameters.Batch(128), TrainingParameters.Flip(true),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        var loader = setup.Loader(setup.Forget, TrainingStreams.Forget);
        return new TrainingTask(setup.Sgd(), setup.Epochs, epoch => [TrainingPass.Over(loader, epoch, Distance)]);

        Tensor Distance(Batch batch)
        {
            using var scope = Tensor.Scope();
            return scope.Keep(Loss.KlDivergence(setup.Model.Forward(batch.Images), Target(setup.Original.Forward(batch.Images), batch.Labels.ToArray<int>())));
        }
    }

    /// <summary>Scores with those of the true classes gone, [n, classes].</summary>
    internal static Tensor Target(Tensor scores, int[] labels)
    {
        var gone = new float[scores.Count];
        for (var i = 0; i < labels.Length; i++)
            gone[(i * scores.Shape[1]) + labels[i]] = (float)Vanished;
        return scores - Tensor.From(gone, scores.Shape, scores.Device);
    }
}
