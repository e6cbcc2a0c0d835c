namespace EscNative.Bench.Measuring;

/// <summary>All timings of a request.</summary>
/// <param name="Cold">The first run of the process.</param>
/// <param name="WarmupRuns">Runs of each kind that were thrown away after it.</param>
/// <param name="WarmupReason">Which rule ended the warm-up.</param>
/// <param name="Profile">The runs with stage borders.</param>
/// <param name="Latency">Milliseconds of the runs without them.</param>
/// <param name="PeakBytes">The most memory that tensors held at once in the measured runs.</param>
internal sealed record RequestTiming(
    ProfiledRun Cold, int WarmupRuns, string WarmupReason, IReadOnlyList<ProfiledRun> Profile, IReadOnlyList<double> Latency, long PeakBytes);
