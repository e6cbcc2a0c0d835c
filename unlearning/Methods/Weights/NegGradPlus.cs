using EscNative.Engine;
using EscNative.Models.Data;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>NegGrad+: climbs the loss of the forgetting data while it descends that of the remaining (Kurmanji et al., SCRUB).</summary>
/// <remarks>
/// Sees D_f and D_r. Loss: alpha CE(D_r) - (1 - alpha) CE(D_f); an epoch is a pass over D_r, and each of its batches goes with the next one
/// of D_f, which is gone through again and again. Alpha is 0.95 to 0.9999 in the source: the more classes' images there are in D_f against
/// D_r, the smaller. Not a row of the ESC paper.
/// </remarks>
public sealed class NegGradPlus : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "neggrad-plus";

    /// <inheritdoc/>
    public override string Description => "NegGrad+: descent on the remaining data and ascent on the forgetting data at once (Kurmanji et al., SCRUB)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(10), TrainingParameters.LearningRate(0.01), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(5e-4), TrainingParameters.Batch("remain-batch", 128, "remaining images in a step"),
        TrainingParameters.Batch("forget-batch", 32, "images to forget in a step"), TrainingParameters.Flip(false),
        TrainingParameters.Share("alpha", 0.95, "the weight of the remaining data's loss; the other has the rest"),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var alpha = setup.Parameters["alpha"];
        var remain = setup.Loader(setup.Remain, TrainingStreams.Remain, "remain-batch");
        var forget = setup.Loader(setup.Forget, TrainingStreams.Forget, "forget-batch");
        return new TrainingTask(setup.Sgd(), setup.Epochs, epoch => [new TrainingPass(remain.Batches, Pairs(epoch))]);

        IEnumerable<Func<Tensor>> Pairs(int epoch)
        {
            using var others = Again(forget, epoch, remain.Batches).GetEnumerator();
            foreach (var batch in remain.Epoch(epoch))
            {
                others.MoveNext();
                yield return () => (setup.CrossEntropy(batch) * alpha) - (setup.CrossEntropy(others.Current) * (1 - alpha));
            }
        }
    }

    /// <summary>The loader's batches as often as needed, each time in another order.</summary>
    private static IEnumerable<Batch> Again(BatchLoader loader, int epoch, int needed)
    {
        var passes = (needed + loader.Batches - 1) / loader.Batches;
        for (var pass = 0; pass < passes; pass++)
        {
            foreach (var batch in loader.Epoch((epoch * passes) + pass))
                yield return batch;
        }
    }
}
