using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench.Exports;

/// <summary>The sample result with the samples that runs keep, and names that want escaping.</summary>
internal static class ExportSample
{
    /// <summary>A part's name with what CSV, Markdown, JSON and labels must escape.</summary>
    public const string Awkward = "a \"quoted\", | piped\\ name*/\u001b[2J";

    /// <summary>How it appears as part of a row's name.</summary>
    public const string AwkwardPart = "a \"quoted\", | piped\\ name*|\uFFFD[2J";

    public static ResultDocument Create()
    {
        var sample = SampleResult.Create();
        var latency = sample.Latency! with { RequestSamplesMs = [200, 190, 225], ProfileSamplesMs = [203, 192, 226] };
        return sample with
        {
            Latency = latency with
            {
                Stages =
                [
                    latency.Stages[0] with { SamplesMs = [150, 140, 161], TensorBytes = 9_000_000 },
                    latency.Stages[1] with { SamplesMs = [50, 48, 60], TensorBytes = 2_000_000 },
                ],
            },
            Kernels = new KernelsResult("Peer 1.0", [new KernelRow(Awkward, 2, 1.5, 100, 0.8, 1.8, 1.2, 1.1, 1.3, 0.01, 3, "") { SamplesMs = [1.4, 1.5, 1.6] }]),
            Micro = sample.Micro! with { Rows = [sample.Micro.Rows[0] with { SamplesNanoseconds = [248, 249, 253] }] },
            Peers = sample.Peers! with
            {
                Workloads = [sample.Peers.Workloads[0] with { Sides = [sample.Peers.Workloads[0].Sides[0] with { SamplesMs = [29, 30, 31] }, sample.Peers.Workloads[0].Sides[1]] }],
            },
        };
    }
}
