using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>Finetune: goes on training on the remaining data, and lets forgetting come by itself.</summary>
/// <remarks>
/// Sees D_r; of D_f nothing is used. Loss: CE(D_r). Defaults of Fan et al. (SalUn) and Jia et al. (Unlearn-Sparse): SGD with learning rate
/// 0.01, momentum 0.9 and weight decay 5e-4, 10 epochs, batch 256. ESC cites Warnecke et al. for this row of its table 1.
/// </remarks>
public sealed class FineTune : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "finetune";

    /// <inheritdoc/>
    public override string Description => "Finetune: cross-entropy on the remaining data from the original weights (Warnecke et al.; recipe of Fan et al., SalUn)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(10), TrainingParameters.LearningRate(0.01), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(5e-4), TrainingParameters.Batch(256), TrainingParameters.Flip(true),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var loader = setup.Loader(setup.Remain, TrainingStreams.Remain);
        return new TrainingTask(setup.Sgd(), setup.Epochs, epoch => [TrainingPass.Over(loader, epoch, setup.CrossEntropy)]);
    }
}
