namespace EscNative.Bench.Reports;

/// <summary>What the workshop found.</summary>
/// <param name="Peer">Whom it was measured against, or null.</param>
/// <param name="Rows">One row a kernel.</param>
internal sealed record KernelsResult(string? Peer, IReadOnlyList<KernelRow> Rows);

/// <summary>What the workshop found for one kernel.</summary>
/// <param name="Name">The kernel and its sizes.</param>
/// <param name="Threads">Threads of both sides.</param>
/// <param name="Milliseconds">The median time of a call.</param>
/// <param name="Gflops">10^9 floating-point operations a second, as the mathematics counts them.</param>
/// <param name="PeakShare">Of the measured peak of fused multiply-adds, for the same type and threads.</param>
/// <param name="PeerMilliseconds">The peer's median; NaN without a peer.</param>
/// <param name="Ratio">The median over the rounds of peer time / our time: above 1 this engine is faster; NaN without a peer.</param>
/// <param name="RatioLow">The smallest ratio of a round.</param>
/// <param name="RatioHigh">The largest ratio of a round.</param>
/// <param name="Spread">Our side measured twice in every round: the median of |a / b - 1|, the noise of the machine.</param>
/// <param name="Rounds">How many rounds.</param>
/// <param name="Check">How far the results of both sides are apart.</param>
internal sealed record KernelRow(
    string Name, int Threads, double Milliseconds, double Gflops, double PeakShare, double PeerMilliseconds,
    double Ratio, double RatioLow, double RatioHigh, double Spread, int Rounds, string Check)
{
    /// <summary>Our time in each round, in order; absent in results of before they were kept.</summary>
    public IReadOnlyList<double>? SamplesMs { get; init; }
}
