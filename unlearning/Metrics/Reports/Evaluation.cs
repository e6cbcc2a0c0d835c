using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Similarity;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Every metric of one model. Measure the Original once, and put any number of erased models beside it.</summary>
public sealed record Evaluation
{
    /// <summary>What was measured.</summary>
    public required EvaluationData Data { get; init; }

    /// <summary>How it was measured.</summary>
    public required EvaluationOptions Options { get; init; }

    /// <summary>The accuracies of the model itself; null if no logits were given.</summary>
    public required ForgetAccuracies? Accuracies { get; init; }

    /// <summary>The membership attack of table 1; null if no logits were given.</summary>
    public required LossAttackResult? LossAttack { get; init; }

    /// <summary>Who takes D_f for training data; empty if no logits were given, or it was not wanted.</summary>
    public required IReadOnlyList<MemberShare> MemberShares { get; init; }

    /// <summary>Membership by thresholds; empty if no logits were given.</summary>
    public required IReadOnlyList<ThresholdAttackResult> ThresholdAttacks { get; init; }

    /// <summary>ZRF; null unless the model itself was measured: it needs a network that knows nothing.</summary>
    public ZrfResult? Zrf { get; init; }

    /// <summary>How fast it learns again; null unless the model itself was measured and this was wanted.</summary>
    public RelearningResult? Relearning { get; init; }

    /// <summary>The two-layer probe, if it was wanted.</summary>
    public required MlpProbeResult? Mlp { get; init; }

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
