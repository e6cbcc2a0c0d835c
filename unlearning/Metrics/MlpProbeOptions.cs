namespace EscNative.Unlearning.Metrics;

/// <summary>How the two-layer probe is trained: a fixed recipe, so that its values can be compared.</summary>
public sealed record MlpProbeOptions
{
    /// <summary>The defaults.</summary>
    public static MlpProbeOptions Default { get; } = new();

    /// <summary>Units of the hidden layer.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>Passes over the training rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Rows of a step.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>The highest learning rate of the one-cycle schedule (SGD, Nesterov momentum 0.9).</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>Seed of the starting values and of the order of rows.</summary>
    public ulong Seed { get; init; } = 42;

    internal void Check()
    {
        if (Hidden < 1 || Epochs < 1 || Batch < 1)
            throw new UsageException($"MLP probe: got {Hidden} hidden units, {Epochs} epochs with batches of {Batch}, wants 1 or more of each");
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate))
            throw new UsageException($"MLP probe: got learning rate {LearningRate}, wants a number above 0");
    }
}
