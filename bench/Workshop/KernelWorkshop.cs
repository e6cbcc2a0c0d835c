using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Bench.Peers;
using EscNative.Bench.Reports;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Workshop;

/// <summary>Measures kernels, and a peer in turn with them: one round of ours, one of the peer's, ours again.</summary>
/// <param name="peer">The peer, or null.</param>
/// <param name="rounds">Rounds for each kernel.</param>
/// <param name="seconds">Seconds of each measurement.</param>
internal sealed class KernelWorkshop(IPeer? peer, int rounds, double seconds)
{
    /// <summary>Measures one kernel. The peak is measured in every round too: the clock moves.</summary>
    public KernelRow Measure(KernelCase kernel, int threads, CancellationToken cancel)
    {
        var before = CpuParallel.Threads;
        CpuParallel.Threads = threads;
        try
        {
            using var run = kernel.Prepare();
            run.Compute();
            double[] ours = new double[rounds], spreads = new double[rounds], peaks = new double[rounds], theirs = new double[rounds], ratios = new double[rounds];
            var check = "";
            for (var round = 0; round < rounds; round++)
            {
                cancel.ThrowIfCancellationRequested();
                peaks[round] = kernel.Double ? PeakProbe.MeasureFmaGflopsF64(threads) : PeakProbe.MeasureFmaGflops(threads);
                var first = Time(run);
                theirs[round] = double.NaN;
                if (peer is not null)
                {
                    var request = (JsonObject)kernel.Peer.DeepClone();
                    request["threads"] = threads;
                    request["seconds"] = seconds;
                    var answer = peer.Ask(request);
                    theirs[round] = answer["seconds"]!.GetValue<double>();
                    check = run.Check(answer);
                }

                var second = Time(run);
                ours[round] = (first + second) / 2;
                spreads[round] = Math.Abs((first / second) - 1);
                ratios[round] = theirs[round] / ours[round];
            }

            var median = Sampling.Median(ours);
            return new KernelRow(
                kernel.Name, threads, median * 1e3, kernel.Flops / median / 1e9, kernel.Flops / median / 1e9 / Sampling.Median(peaks),
                Sampling.Median(theirs) * 1e3, Sampling.Median(ratios), ratios.Min(), ratios.Max(), Sampling.Median(spreads), rounds, check)
            {
                SamplesMs = [.. ours.Select(time => time * 1e3)],
            };
        }
        finally
        {
            CpuParallel.Threads = before;
        }
    }

    private double Time(KernelRun run) => Sampling.MedianSeconds(run.Compute, seconds);
}
