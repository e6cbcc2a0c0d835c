using EscNative.Engine.Optimization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>Retrain: new weights, trained on the remaining data alone. The reference that unlearning is measured by.</summary>
/// <remarks>
/// Sees D_r; of D_f nothing is used. The recipe is that of <see cref="Trainer"/> (SGD with Nesterov momentum, a one-cycle learning rate),
/// so that it differs from the original model in its data only; the same seed gives the bits that the trainer gives.
/// </remarks>
public sealed class Retrain : TrainingMethod
{
    private static readonly TrainOptions Recipe = new();

    /// <inheritdoc/>
    public override string Name => "retrain";

    /// <inheritdoc/>
    public override string Description => "Retrain: new weights trained on the remaining data alone, the reference";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(Recipe.Epochs),
        new("learning-rate", Recipe.LearningRate, "the highest step size of the cycle"),
        TrainingParameters.Momentum(Recipe.Momentum),
        TrainingParameters.Share("momentum-swing", Recipe.MomentumSwing, "how far the cycle moves the momentum to either side"),
        TrainingParameters.WeightDecay(Recipe.WeightDecay),
        TrainingParameters.Batch(Recipe.BatchSize),
        TrainingParameters.Flip(Recipe.Flip),
        new("crop", Recipe.CropPadding, "pixels of black border before a random crop") { Maximum = 64, IsWhole = true },
    ];

    /// <inheritdoc/>
    protected override void CheckParameters(MethodParameters parameters) => OptionsOf(parameters).Validate();

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var (model, p) = (setup.Model, setup.Parameters);
        var options = OptionsOf(p) with { Seed = setup.Seed };
        using (var fresh = Architectures.Create(model.Description, setup.Seed, model.Device))
            model.Assign(fresh);
        var loader = new BatchLoader(setup.Remain, model.Description.Normalisation, new BatchOptions
        {
            BatchSize = options.BatchSize,
            Shuffle = true,
            Augmentation = new Augmentation(options.Flip, options.CropPadding),
            Seed = options.Seed,
            Device = model.Device,
            // As the trainer: a last batch of one image has no variance to normalise with.
            DropLast = setup.Remain.Count % options.BatchSize == 1,
        });
        var steps = (long)options.Epochs * loader.Batches;
        var rate = Schedule.OneCycle(options.LearningRate, steps);
        var momentum = Schedule.OneCycleMomentum(options.Momentum + options.MomentumSwing, options.Momentum - options.MomentumSwing, steps);
        var optimizer = setup.Own(new Sgd(model.Parameters, rate(0), options.Momentum, options.WeightDecay, nesterov: options.Momentum > 0));
        return new TrainingTask(optimizer, options.Epochs, epoch => [TrainingPass.Over(loader, epoch, batch =>
        {
            (optimizer.LearningRate, optimizer.Momentum) = (rate(optimizer.Steps), momentum(optimizer.Steps));
            return setup.CrossEntropy(batch);
        })]);
    }

    private static TrainOptions OptionsOf(MethodParameters p) => new()
    {
        Epochs = p.Whole("epochs"),
        LearningRate = p["learning-rate"],
        Momentum = p["momentum"],
        MomentumSwing = p["momentum-swing"],
        WeightDecay = p["weight-decay"],
        BatchSize = p.Whole("batch"),
        Flip = p["flip"] != 0,
        CropPadding = p.Whole("crop"),
    };
}
