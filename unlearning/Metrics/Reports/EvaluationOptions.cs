using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Similarity;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>How an evaluation measures. Values can be compared only under equal options.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The defaults: every probe as the reports publish it.</summary>
    public static EvaluationOptions Default { get; } = new();

    /// <summary>The membership attack of table 1.</summary>
    public LossAttackOptions LossAttack { get; init; } = LossAttackOptions.Default;

    /// <summary>The member share of table 5; null leaves it out.</summary>
    public MemberShareOptions? MemberShare { get; init; } = MemberShareOptions.Default;

    /// <summary>Seed of the network that knows nothing, of ZRF, and of the resamples behind intervals.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>How models are compared row by row.</summary>
    public SimilarityOptions Similarity { get; init; } = SimilarityOptions.Default;

    /// <summary>How fast the model learns again; null, the default, leaves it out.</summary>
    public RelearningOptions? Relearning { get; init; }

    /// <summary>The two-layer probe; null, the default, leaves it out.</summary>
    public MlpProbeOptions? MlpProbe { get; init; }

    /// <summary>KR as published.</summary>
    public SgdProbeOptions Official { get; init; } = SgdProbeOptions.Official;

    /// <summary>Whether the published probe is also trained at learning rate 0.1.</summary>
    public bool LearningRate01 { get; init; }

    /// <summary>The attacker's probes.</summary>
    public StrongProbeOptions Strong { get; init; } = StrongProbeOptions.Default;

    /// <summary>Forgotten against rest.</summary>
    public BinaryProbeOptions Binary { get; init; } = BinaryProbeOptions.Default;

    /// <summary>Nearest neighbours.</summary>
    public NeighbourOptions Neighbours { get; init; } = NeighbourOptions.Default;

    /// <summary>Metrics to measure although they are not measured by default, by the names of <see cref="MetricRegistry.Names"/>; those
    /// with options of their own take the defaults.</summary>
    public IReadOnlyList<string> Also { get; init; } = [];

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(LossAttack);
        ArgumentNullException.ThrowIfNull(Similarity);
        ArgumentNullException.ThrowIfNull(Official);
        ArgumentNullException.ThrowIfNull(Strong);
        ArgumentNullException.ThrowIfNull(Binary);
        ArgumentNullException.ThrowIfNull(Neighbours);
        ArgumentNullException.ThrowIfNull(Also);
        LossAttack.Validate();
        MemberShare?.Validate();
        Similarity.Validate();
        Relearning?.Validate();
        MlpProbe?.Validate();
        Official.Validate();
        Strong.Validate();
        Binary.Validate();
        Neighbours.Validate();
        if (Also.Except(MetricRegistry.Names).FirstOrDefault() is { } unknown)
            throw new UsageException($"metric: got '{unknown}', wants some of {string.Join(", ", MetricRegistry.Names)}");
    }
}
