using EscNative.Unlearning.Metrics;

namespace EscNative.Unlearning.Scenarios;

/// <summary>How a method answered one request.</summary>
public sealed record RequestRun
{
    /// <summary>What was asked for, in words.</summary>
    public required string Request { get; init; }

    /// <summary>How the method ended.</summary>
    public required UnlearningOutcome Outcome { get; init; }

    /// <summary>RTE: wall seconds of the method alone, the model loaded and the images in memory (paper, table 5); the median of <see cref="Runs"/>.</summary>
    public required double Seconds { get; init; }

    /// <summary>How often it was timed: short methods several times, each on a fresh copy of the model.</summary>
    public required int Runs { get; init; }

    /// <summary>Optimization steps.</summary>
    public required long Steps { get; init; }

    /// <summary>The method's parameters.</summary>
    public required IReadOnlyDictionary<string, double> Parameters { get; init; }

    /// <summary>What the method has to say.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The accuracies after this request; D_f is everything asked for so far. Null where they were not measured.</summary>
    public ForgetAccuracies? Accuracies { get; init; }
}
