namespace EscNative.Unlearning.Metrics.Relearning;

/// <summary>How it is measured how fast a model learns again what it was made to forget.</summary>
public sealed record RelearningOptions
{
    private static readonly IReadOnlyList<int> DefaultSteps = [1, 5, 10, 50];

    /// <summary>The defaults.</summary>
    public static RelearningOptions Default { get; } = new();

    /// <summary>The steps of fine-tuning after which the accuracies are taken, ascending.</summary>
    public IReadOnlyList<int> Steps { get; init; } = DefaultSteps;

    /// <summary>Images of each forgotten class that an attacker has kept (at most half of those that there are).</summary>
    public int Samples { get; init; } = 10;

    /// <summary>The learning rate of SGD.</summary>
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The momentum of SGD.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Images of a step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Takes the accuracies of so many images of a set at most, drawn by <see cref="Seed"/>.</summary>
    public int MaxImages { get; init; } = 1000;

    /// <summary>Seed of the order of batches and of every draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "relearning";
        ArgumentNullException.ThrowIfNull(Steps);
        if (Steps.Count == 0 || Steps[0] < 1 || Steps.Zip(Steps.Skip(1)).Any(s => s.First >= s.Second))
            throw new UsageException($"relearning: steps: got {string.Join(", ", Steps)}, wants one or more numbers from 1, ascending");
        UsageException.RequireCount(operation, "samples", Samples);
        UsageException.RequireCount(operation, "batch", Batch);
        UsageException.RequireCount(operation, "max images", MaxImages);
        UsageException.RequirePositive(operation, "learning rate", LearningRate);
        UsageException.Require(Momentum is >= 0 and < 1, operation, "momentum", Momentum, "0 or more and less than 1");
    }
}
