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
