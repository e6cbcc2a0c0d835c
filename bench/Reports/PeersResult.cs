namespace EscNative.Bench.Reports;

/// <summary>What <c>peers</c> found out.</summary>
/// <param name="Engines">Who was measured beside this engine.</param>
/// <param name="Workloads">What each workload cost.</param>
internal sealed record PeersResult(IReadOnlyList<PeerResult> Engines, IReadOnlyList<WorkloadResult> Workloads);

/// <summary>Another engine.</summary>
/// <param name="Name">Its name and version.</param>
/// <param name="Software">What else decides its speed.</param>
internal sealed record PeerResult(string Name, string Software);

/// <summary>One workload, measured in turn by every side.</summary>
internal sealed record WorkloadResult
{
    public required string Name { get; init; }

    /// <summary>What a call does.</summary>
    public required string Description { get; init; }

    /// <summary>Images of a call.</summary>
    public required int Images { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Seconds of each measurement, at the least.</summary>
    public required double Seconds { get; init; }

    /// <summary>Our first side is measured at both ends of every round: the median of |a / b - 1|, the noise of the machine.</summary>
    public required double Spread { get; init; }

    /// <summary>The share of the machine that processes outside of the comparison used meanwhile; NaN where nobody knows.</summary>
    public required double OthersShare { get; init; }

    /// <summary>The share of a core that the sides which had to wait used meanwhile, in the median, for the side that it hit most.</summary>
    public required double WaitingShare { get; init; }

    /// <summary>Our first side first.</summary>
    public required IReadOnlyList<SideResult> Sides { get; init; }

    /// <summary>The steps of our first side, measured one by one after the rounds; absent where they cannot be told apart.</summary>
    public IReadOnlyList<StepResult>? Steps { get; init; }
}

/// <summary>One step of a plan.</summary>
/// <param name="Name">The module that it comes from.</param>
/// <param name="Kind">What it computes.</param>
/// <param name="Algorithm">How.</param>
/// <param name="Milliseconds">Of a call.</param>
/// <param name="SharePercent">Of all steps.</param>
/// <param name="Gflops">10^9 floating-point operations a second, as the mathematics counts them, whatever the algorithm saves.</param>
internal sealed record StepResult(string Name, string Kind, string Algorithm, double Milliseconds, double SharePercent, double? Gflops);

/// <summary>One side of a workload.</summary>
internal sealed record SideResult
{
    /// <summary><c>escnative</c>, or a peer's name.</summary>
    public required string Engine { get; init; }

    /// <summary>How it computed.</summary>
    public required string Variant { get; init; }

    public required int Threads { get; init; }

    /// <summary>Whether another process kept a core busy.</summary>
    public required bool BusyCore { get; init; }

    /// <summary>The median over the rounds of a call's median time.</summary>
    public required double Milliseconds { get; init; }

    /// <summary>The median of each round, in order; absent in results of before they were kept.</summary>
    public IReadOnlyList<double>? SamplesMs { get; init; }

    public required double ImagesPerSecond { get; init; }

    /// <summary>The median over the rounds of this side's time / our first side's: above 1 our first side is faster.</summary>
    public required double Ratio { get; init; }

    public required double RatioLow { get; init; }

    public required double RatioHigh { get; init; }

    /// <summary>Whether it is the fastest variant of its engine with these threads: of a peer, the bar.</summary>
    public required bool Best { get; init; }

    /// <summary>The largest absolute difference between its output and ours; absent for our own sides.</summary>
    public double? Difference { get; init; }

    /// <summary>What was allowed.</summary>
    public double? Tolerance { get; init; }

    /// <summary>What was compared.</summary>
    public string? Compared { get; init; }
}
