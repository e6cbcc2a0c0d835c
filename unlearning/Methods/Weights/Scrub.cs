using System.Globalization;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>SCRUB: a student that leaves its teacher, the original, on the forgetting data and follows it on the rest (Kurmanji et al., NeurIPS 2023).</summary>
/// <remarks>
/// Sees D_f and D_r, and <see cref="UnlearningContext.HeldOut"/> where it is to rewind. With KL_T(s, t) = T² mean over the batch of
/// KL(softmax(t / T) || softmax(s / T)): epoch e = 1 .. E first climbs KL_T on D_f while e is at most <c>max-epochs</c>, then descends
/// gamma CE + alpha KL_T on D_r. Learning rate = rate x <c>decay</c>^(number of decay epochs below e). Defaults of the source's large scale
/// (CIFAR-10, Lacuna-10). Its batches of 32 and 128 are named in the released notebook, whose loaders have 512 and 256: with a sixteenth of
/// the steps up, D_f is left at about half and D_r keeps its accuracy.
/// <para>
/// Rewinding (SCRUB+R): of the models after each epoch the run ends with the one whose error on D_f is nearest to the error that the last
/// one has on the held-out images of the same classes; the first of equals, as in the released code. Both errors are taken in evaluation
/// mode without mirroring. Without held-out images there is nothing to choose by: the last model stays, and a note says so.
/// </para>
/// </remarks>
public sealed class Scrub : TrainingMethod
{
    private static readonly string[] DecayEpochs = ["decay-epoch-1", "decay-epoch-2", "decay-epoch-3"];

    /// <inheritdoc/>
    public override string Name => "scrub";

    /// <inheritdoc/>
    public override string Description => "SCRUB: away from the original on the forgetting data, towards it on the rest, with rewinding (Kurmanji et al., NeurIPS 2023)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(3), TrainingParameters.LearningRate(5e-4), TrainingParameters.Momentum(0.9), TrainingParameters.WeightDecay(5e-4),
        TrainingParameters.Batch("remain-batch", 128, "remaining images in a step"), TrainingParameters.Batch("forget-batch", 32, "images to forget in a step"),
        TrainingParameters.Flip(false), TrainingParameters.Temperature(4),
        new("gamma", 0.99, "the weight of the cross-entropy on the remaining data"),
        new("alpha", 0.001, "the weight of the distance to the teacher on the remaining data"),
        new("max-epochs", 2, "epochs that climb on the forgetting data") { Maximum = 100_000, IsWhole = true },
        new(DecayEpochs[0], 3, "the learning rate falls after this epoch, from 1") { Maximum = 100_000, IsWhole = true },
        new(DecayEpochs[1], 5, "and after this one") { Maximum = 100_000, IsWhole = true },
        new(DecayEpochs[2], 9, "and after this one") { Maximum = 100_000, IsWhole = true },
        TrainingParameters.Share("decay", 0.1, "what the learning rate falls to each time"),
        TrainingParameters.Switch("rewind", true, "whether to go back to the epoch that errs on the forgetting data as on held-out images, where there are any"),
    ];

    /// <summary>Where the error nearest to the wanted one stands, on whichever side of it; the first of equally near ones.</summary>
    internal static int Nearest(double[] errors, double wanted) => Array.IndexOf(errors, errors.MinBy(error => Math.Abs(error - wanted)));

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var p = setup.Parameters;
        var (gamma, alpha, temperature) = (p["gamma"], p["alpha"], p["temperature"]);
        var forget = setup.Loader(setup.Forget, TrainingStreams.Forget, "forget-batch");
        var remain = setup.Loader(setup.Remain, TrainingStreams.Remain, "remain-batch");
        var rewind = p["rewind"] != 0;
        var note = rewind && setup.HeldOut is null ? "not rewound: there are no held-out images of the forgotten classes to choose by" : null;

        return new TrainingTask(setup.Sgd(), setup.Epochs, Passes)
        {
            LearningRate = epoch => p["learning-rate"] * Math.Pow(p["decay"], DecayEpochs.Count(name => p.Whole(name) < epoch + 1)),
            Choose = rewind && setup.HeldOut is not null ? Rewind : null,
            Notes = () => note is null ? [] : [note],
        };

        IReadOnlyList<TrainingPass> Passes(int epoch)
        {
            var climb = TrainingPass.Over(forget, epoch, batch => -Distance(batch, setup.Model.Forward(batch.Images)));
            var descend = TrainingPass.Over(remain, epoch, batch =>
            {
                var scores = setup.Model.Forward(batch.Images);
                return (Loss.CrossEntropy(scores, batch.Labels) * gamma) + (Distance(batch, scores) * alpha);
            });
            return epoch < p.Whole("max-epochs") ? [climb, descend] : [descend];
        }

        Tensor Distance(Batch batch, Tensor scores) => Loss.KlDivergence(scores, setup.Original.Forward(batch.Images), temperature);

        int Rewind(IReadOnlyList<Classifier> epochs)
        {
            double Error(Classifier model, ImageSet images) => 100 - FeatureBank.Extract(model, images, cancel: setup.Cancel).Accuracy;
            var wanted = Error(epochs[^1], setup.HeldOut!);
            var errors = epochs.Select(model => Error(model, setup.Forget)).ToArray();
            var chosen = Nearest(errors, wanted);
            note = string.Create(
                CultureInfo.InvariantCulture,
                $"rewound to epoch {chosen + 1} of {epochs.Count}: it errs on {errors[chosen]:F2} % of the forgetting data, the last one on {wanted:F2} % of the held-out images");
            return chosen;
        }
    }
}
