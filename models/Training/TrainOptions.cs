using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>A training recipe: SGD with Nesterov momentum and a one-cycle learning rate.</summary>
public sealed record TrainOptions
{
    /// <summary>Passes over the training set; the learning rate's cycle ends with the last.</summary>
    public int Epochs { get; init; } = 12;

    /// <summary>Stop after this many epochs of the cycle, to be resumed; 0 goes on to the end.</summary>
    public int StopAfter { get; init; }

    /// <summary>Images a step.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The highest learning rate of the cycle.</summary>
    public double LearningRate { get; init; } = 0.12;

    /// <summary>The share of the last step that goes on, in the middle of its swing.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>
    /// How far the cycle moves the momentum: from <see cref="Momentum"/> + swing down to - swing at the highest rate, and back,
    /// which is what PyTorch's OneCycleLR does unless told otherwise (0.95, 0.85). 0 keeps it constant.
    /// </summary>
    public double MomentumSwing { get; init; } = 0.05;

    /// <summary>Added to the gradient as weightDecay w.</summary>
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>Whether images are mirrored at random.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>Pixels of black border around images before a random crop of their size; 0 crops nothing.</summary>
    public int CropPadding { get; init; }

    /// <summary>Random parts of photos take the place of the whole ones, or null: the usual training on photos. Not together with <see cref="CropPadding"/>.</summary>
    public RandomResizedCrop? ResizedCrop { get; init; }

    /// <summary>The seed of order and augmentation.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Where the state goes after each epoch, or null.</summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Whether to go on from <see cref="CheckpointPath"/>; the result is what an uninterrupted run gives, bit for bit.</summary>
    public bool Resume { get; init; }

    /// <summary>How images are changed at random.</summary>
    internal Augmentation Augmentation => new(Flip, CropPadding) { ResizedCrop = ResizedCrop };

    /// <summary>Throws where a value is impossible.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        Check(Epochs >= 1, "epochs", Epochs, "1 or more");
        Check(StopAfter >= 0 && StopAfter <= Epochs, "stop-after", StopAfter, $"0 to epochs ({Epochs})");
        Check(BatchSize >= 2, "batch", BatchSize, "2 or more: batch normalisation has no variance for one image");
        Check(LearningRate > 0 && double.IsFinite(LearningRate), "learning-rate", LearningRate, "more than 0");
        Check(Momentum is >= 0 and < 1, "momentum", Momentum, "0 or more, less than 1");
        Check(
            MomentumSwing == 0 || (MomentumSwing > 0 && Momentum - MomentumSwing > 0 && Momentum + MomentumSwing < 1), "momentum-swing", MomentumSwing,
            "0, or so much that momentum ± swing stays between 0 and 1");
        Check(WeightDecay >= 0 && double.IsFinite(WeightDecay), "weight-decay", WeightDecay, "0 or more");
        Check(CropPadding is >= 0 and <= 64, "crop", CropPadding, "0 to 64");
        Augmentation.Validate();
        if (Resume && CheckpointPath is null)
            throw new UsageException("resume: wants the checkpoint to go on from (--checkpoint FILE)");
    }

    private static void Check(bool ok, string option, object value, string wants)
    {
        if (!ok)
            throw new UsageException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{option}: got {value}, wants {wants}"));
    }
}
