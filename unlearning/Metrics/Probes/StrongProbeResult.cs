namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>All that an attacker tried, and what recovered most of the forgotten rows.</summary>
/// <param name="Best">The probe with the largest D_f (then D_ft, then the one tried first).</param>
/// <param name="Sweep">Every probe, in the order in which they were tried.</param>
public sealed record StrongProbeResult(ProbeResult Best, IReadOnlyList<ProbeResult> Sweep);
