namespace EscNative.Unlearning.Metrics.Probes;

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

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "MLP probe";
        UsageException.RequireCount(operation, "hidden units", Hidden);
        UsageException.RequireCount(operation, "epochs", Epochs);
        UsageException.RequireCount(operation, "batch", Batch);
        UsageException.RequirePositive(operation, "learning rate", LearningRate);
    }
}
