using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Unlearning.Scenarios;

/// <summary>How a <see cref="ScenarioRunner"/> works.</summary>
public sealed record ScenarioRunnerOptions
{
    /// <summary>How models are measured.</summary>
    public EvaluationOptions Evaluation { get; init; } = EvaluationOptions.Default;

    /// <summary>
    /// Where answered requests and the state of methods in training are kept, so that a cancelled experiment goes on where it was;
    /// or null. What was answered under other options, for another model or other images is not used.
    /// </summary>
    public string? StateFolder { get; init; }

    /// <summary>A method that takes less than this many seconds is timed again.</summary>
    public double RepeatBelowSeconds { get; init; } = 2;

    /// <summary>How often a short method is timed in all.</summary>
    public int Repeats { get; init; } = 5;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Evaluation);
        Evaluation.Validate();
        UsageException.RequireNonNegative("scenarios", "repeat below seconds", RepeatBelowSeconds);
        UsageException.RequireCount("scenarios", "repeats", Repeats);
    }
}
