namespace EscNative.Unlearning.Metrics;

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

    internal void Check()
    {
        if (Steps.Count == 0 || Steps[0] < 1 || Steps.Zip(Steps.Skip(1)).Any(s => s.First >= s.Second))
            throw new UsageException($"relearning: got steps {string.Join(", ", Steps)}, wants one or more numbers from 1, ascending");
        if (Samples < 1 || Batch < 1 || MaxImages < 1)
            throw new UsageException($"relearning: got {Samples} samples, batches of {Batch} and {MaxImages} images at most, wants 1 or more of each");
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate) || Momentum is not (>= 0 and < 1))
            throw new UsageException($"relearning: got learning rate {LearningRate} and momentum {Momentum}, wants a rate above 0 and a momentum in [0, 1)");
    }
}
