namespace EscNative.Bench.Reports;

/// <summary>What the workshop found.</summary>
/// <param name="Peer">Whom it was measured against, or null.</param>
/// <param name="Rows">One row a kernel.</param>
internal sealed record KernelsResult(string? Peer, IReadOnlyList<KernelRow> Rows);
