using System.Globalization;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>NG, negative gradient: climbs the loss of the forgetting data (Thudi et al.; recipe of Jia et al., Unlearn-Sparse).</summary>
/// <remarks>
/// Sees D_f only. Loss: -CE(D_f). SGD with learning rate 1e-4, momentum 0.9 and weight decay 5e-4, 5 epochs, batch 256. The loss has no
/// lower bound, so it takes everything with it if it runs long: <c>max-steps</c> limits it.
/// </remarks>
public sealed class NegativeGradient : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "ng";

    /// <inheritdoc/>
    public override string Description => "NG: gradient ascent on the forgetting data's cross-entropy (Thudi et al.)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(5), TrainingParameters.LearningRate(1e-4), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(5e-4), TrainingParameters.Batch(256), TrainingParameters.Flip(true),
        new("max-steps", 0, "the most steps, or 0 for no limit") { Maximum = 1e9, IsWhole = true },
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var most = setup.Parameters.Whole("max-steps");
        var loader = setup.Loader(setup.Forget, TrainingStreams.Forget);
        var optimizer = setup.Sgd();
        return new TrainingTask(optimizer, setup.Epochs, epoch => [TrainingPass.Over(loader, epoch, batch => -setup.CrossEntropy(batch))])
        {
            Stop = () => most > 0 && optimizer.Steps >= most ? $"max-steps is {most.ToString(CultureInfo.InvariantCulture)}" : null,
        };
    }
}
