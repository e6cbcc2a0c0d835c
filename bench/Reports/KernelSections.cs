using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>The workshop's rows as a section of a report.</summary>
internal static class KernelSections
{
    public static Section Of(KernelsResult result) => new(
        "Kernels",
        new TextTable(
            ["kernel", " threads", " ms", " GFLOP/s", " % of peak", .. result.Peer is null ? (ReadOnlySpan<string>)[] : [$" {result.Peer}, ms", " peer / ours", " lowest", " highest", "results"], " noise %", " rounds"],
            [.. result.Rows.Select(r => (IReadOnlyList<string>)
            [
                r.Name, Text(r.Threads), Numbers.Short(r.Milliseconds), Numbers.Short(r.Gflops), Numbers.Fixed(100 * r.PeakShare),
                .. result.Peer is null ? (ReadOnlySpan<string>)[] : [Numbers.Short(r.PeerMilliseconds), Numbers.Short(r.Ratio), Numbers.Short(r.RatioLow), Numbers.Short(r.RatioHigh), r.Check],
                Numbers.Fixed(100 * r.Spread), Text(r.Rounds),
            ])]),
        [
            "Medians over the rounds; in each round our side, the peer, our side again. A ratio above 1 means that this engine is faster; noise is what our two sides of a round differ by.",
            "Peak: twelve independent chains of fused multiply-adds, measured in the same rounds. Operations are counted as the mathematics does: padding zeros included, a Gram matrix as half a product.",
        ]);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
