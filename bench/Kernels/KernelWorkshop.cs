using System.Diagnostics;
using System.Text.Json.Nodes;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Kernels;

/// <summary>Measures kernels, and a peer in turn with them: one round of ours, one of the peer's, ours again.</summary>
/// <param name="peer">The peer, or null.</param>
/// <param name="rounds">Rounds for each kernel.</param>
/// <param name="seconds">Seconds of each measurement.</param>
internal sealed class KernelWorkshop(PeerProcess? peer, int rounds, double seconds)
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

            var median = Median(ours);
            return new KernelRow(
                kernel.Name, threads, median * 1e3, kernel.Flops / median / 1e9, kernel.Flops / median / 1e9 / Median(peaks),
                Median(theirs) * 1e3, Median(ratios), ratios.Min(), ratios.Max(), Median(spreads), rounds, check);
        }
        finally
        {
            CpuParallel.Threads = before;
        }
    }

    private double Time(KernelRun run)
    {
        var times = new List<double>();
        var started = Stopwatch.GetTimestamp();
        while (times.Count < 3 || Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            var start = Stopwatch.GetTimestamp();
            run.Compute();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return Median([.. times]);
    }

    private static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
