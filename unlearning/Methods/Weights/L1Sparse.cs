using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>l1-sparse: Finetune with a penalty on the size of every weight, which fades out (Jia et al., NeurIPS 2023).</summary>
/// <remarks>
/// Sees D_r; of D_f nothing is used. Loss in epoch e of E: CE(D_r) + alpha_e ||theta||_1 over all parameters, alpha_e = alpha (1 - e / (E - n))
/// while e is below E - n, else 0, with n the last epochs without penalty (0 in the released code). SGD with learning rate 0.01, momentum
/// 0.9 and weight decay 5e-4, 10 epochs, batch 256. Alpha has to be tuned to the model: the sources name 1e-5 to 5e-4, the default lies
/// between; the released parser's 0.2 belongs to other methods.
/// </remarks>
public sealed class L1Sparse : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "l1-sparse";

    /// <inheritdoc/>
    public override string Description => "l1-sparse: fine-tuning on the remaining data with a fading penalty on the size of the weights (Jia et al., NeurIPS 2023)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(10), TrainingParameters.LearningRate(0.01), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(5e-4), TrainingParameters.Batch(256), TrainingParameters.Flip(true),
        new("alpha", 1e-4, "the weight of the penalty in the first epoch"),
        new("epochs-without-penalty", 0, "how many epochs at the end have no penalty") { Maximum = 100_000, IsWhole = true },
    ];

    /// <summary>The weight of the penalty in an epoch.</summary>
    /// <param name="alpha">Its weight in the first.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="epochs">E, how many there are.</param>
    /// <param name="without">n, how many at the end have none.</param>
    public static double Weight(double alpha, int epoch, int epochs, int without) =>
        epoch < epochs - without ? alpha * (1 - ((double)epoch / (epochs - without))) : 0;

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var p = setup.Parameters;
        Parameter[] parameters = [.. setup.Model.Parameters];
        var loader = setup.Loader(setup.Remain, TrainingStreams.Remain);
        return new TrainingTask(setup.Sgd(), setup.Epochs, epoch =>
        {
            var weight = Weight(p["alpha"], epoch, setup.Epochs, p.Whole("epochs-without-penalty"));
            return [TrainingPass.Over(loader, epoch, batch => weight > 0
                ? setup.CrossEntropy(batch) + (Norm(parameters) * weight)
                : setup.CrossEntropy(batch))];
        });
    }

    // ||theta||_1 of all parameters together.
    private static Tensor Norm(ReadOnlySpan<Parameter> parameters)
    {
        var sum = parameters[0].Value.Abs().Sum();
        foreach (var parameter in parameters[1..])
            sum += parameter.Value.Abs().Sum();
        return sum;
    }
}
