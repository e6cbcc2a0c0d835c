using EscNative.Models;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Unlearning.Scenarios;

/// <summary>What a method made of a trial.</summary>
public sealed record MethodRun
{
    /// <summary>The method's name.</summary>
    public required string Method { get; init; }

    /// <summary>The trial.</summary>
    public required ScenarioTrial Trial { get; init; }

    /// <summary>The requests in their order; empty where the method does not apply.</summary>
    public IReadOnlyList<RequestRun> Requests { get; init; } = [];

    /// <summary>Every metric of the model after the last request; null where the method does not apply.</summary>
    public Evaluation? Evaluation { get; init; }

    /// <summary>For several requests: all of them as one, on the original model, and its accuracies.</summary>
    public RequestRun? Joint { get; init; }

    /// <summary>Why the method does not apply to this trial, or null.</summary>
    public string? NotApplicable { get; init; }

    /// <summary>Wall seconds of all requests.</summary>
    public double Seconds => Requests.Sum(r => r.Seconds);

    /// <summary>Whether some request ended in divergence.</summary>
    public bool Diverged => Requests.Any(r => r.Outcome == UnlearningOutcome.Diverged);
}

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

    /// <summary>The seconds of each of these runs, in their order; empty where they were not kept.</summary>
    public IReadOnlyList<double> Samples { get; init; } = [];

    /// <summary>Images that went through the network that answers, in the first run (<see cref="Classifier.ForwardedImages"/>); those of a teacher or of another network are not among them.</summary>
    public long ForwardedImages { get; init; }

    /// <summary>Optimization steps.</summary>
    public required long Steps { get; init; }

    /// <summary>The method's parameters.</summary>
    public required IReadOnlyDictionary<string, double> Parameters { get; init; }

    /// <summary>What the method has to say.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The accuracies after this request; D_f is everything asked for so far. Null where they were not measured.</summary>
    public ForgetAccuracies? Accuracies { get; init; }
}
