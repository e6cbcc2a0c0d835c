namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>How a probe is trained by stochastic gradient descent. The defaults are KR-official.</summary>
public sealed record SgdProbeOptions
{
    /// <summary>KR as the paper's code trains it: far from converged, see the reference on KR-strong.</summary>
    public static SgdProbeOptions Official { get; } = new();

    /// <summary>The same probe with learning rate 0.1, as follow-up work reports it.</summary>
    public static SgdProbeOptions LearningRate01 { get; } = new() { LearningRate = 0.1 };

    /// <summary>The learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>PyTorch's momentum: v = momentum v + g, w -= rate v.</summary>
    public double Momentum { get; init; }

    /// <summary>Passes over the training rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Rows of a step; the last step of an epoch may have fewer.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Whether features are moved to mean 0 and deviation 1 first.</summary>
    public bool Standardise { get; init; }

    /// <summary>Seed of the first weights and of the order of rows.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "SGD probe";
        UsageException.RequirePositive(operation, "learning rate", LearningRate);
        UsageException.Require(Momentum is >= 0 and < 1, operation, "momentum", Momentum, "0 or more and less than 1");
        UsageException.RequireCount(operation, "epochs", Epochs);
        UsageException.RequireCount(operation, "batch", Batch);
    }
}
