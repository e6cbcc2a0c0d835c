namespace EscNative.Unlearning.Metrics;

/// <summary>Every metric of one model. Measure the Original once, and put any number of erased models beside it.</summary>
public sealed record Evaluation
{
    /// <summary>What was measured.</summary>
    public required EvaluationData Data { get; init; }

    /// <summary>How it was measured.</summary>
    public required EvaluationOptions Options { get; init; }

    /// <summary>The accuracies of the model itself; null if no logits were given.</summary>
    public required ForgetAccuracies? Accuracies { get; init; }

    /// <summary>KR as published.</summary>
    public required ProbeResult Official { get; init; }

    /// <summary>The published probe at learning rate 0.1, if it was wanted.</summary>
    public required ProbeResult? LearningRate01 { get; init; }

    /// <summary>The attacker's probes.</summary>
    public required StrongProbeResult Strong { get; init; }

    /// <summary>Forgotten against rest.</summary>
    public required BinaryProbeResult Binary { get; init; }

    /// <summary>Nearest neighbours.</summary>
    public required NeighbourResult Neighbours { get; init; }

    /// <summary>Nearest class mean.</summary>
    public required ForgetAccuracies ClassMean { get; init; }
}
