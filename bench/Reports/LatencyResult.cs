using EscNative.Bench.Measuring;
using EscNative.Models;

namespace EscNative.Bench.Reports;

/// <summary>How long a request takes. Times in milliseconds.</summary>
internal sealed record LatencyResult
{
    public required int WarmupRuns { get; init; }

    public required string WarmupEnd { get; init; }

    /// <summary>The first request of the process, by its stages.</summary>
    public required double ColdMs { get; init; }

    /// <summary>The request without stage borders: the figure to quote.</summary>
    public required LatencyStatistics Request { get; init; }

    /// <summary>The request with them.</summary>
    public required LatencyStatistics Profile { get; init; }

    /// <summary>What the borders cost: profile against request, medians, in per cent of the request.</summary>
    public required double DifferencePercent { get; init; }

    /// <summary>The largest gap between a profile run's total and the sum of its stages, in per cent.</summary>
    public required double StageSumErrorPercent { get; init; }

    public required IReadOnlyList<StageResult> Stages { get; init; }

    /// <summary>What this processor computes at most with these threads, float32, GFLOP/s; null where it was not measured.</summary>
    public required double? PeakF32Gflops { get; init; }

    /// <summary>The same in float64.</summary>
    public required double? PeakF64Gflops { get; init; }

    /// <summary>The most memory that tensors held at once, model included.</summary>
    public required long PeakTensorBytes { get; init; }

    /// <summary>Every measured request, in order.</summary>
    public required IReadOnlyList<double> RequestSamplesMs { get; init; }

    /// <summary>Every profiled request, in order; absent in results of before they were kept.</summary>
    public IReadOnlyList<double>? ProfileSamplesMs { get; init; }

    /// <summary>The share of the machine that other processes used while the runs were measured; null where the system does not say.</summary>
    public double? OthersShare { get; init; }

    /// <summary>The result of timings.</summary>
    /// <param name="timing">The raw timings.</param>
    /// <param name="peakF32">GFLOP/s in float32.</param>
    /// <param name="peakF64">GFLOP/s in float64.</param>
    public static LatencyResult From(RequestTiming timing, double? peakF32, double? peakF64)
    {
        var request = LatencyStatistics.From(timing.Latency);
        var profile = LatencyStatistics.From(timing.Profile.Select(run => run.Total));
        return new LatencyResult
        {
            WarmupRuns = timing.WarmupRuns,
            WarmupEnd = timing.WarmupReason,
            ColdMs = timing.Cold.Total,
            Request = request,
            Profile = profile,
            DifferencePercent = 100 * (profile.Median - request.Median) / request.Median,
            StageSumErrorPercent = timing.Profile.Max(run => 100 * Math.Abs(run.Total - run.Sum) / run.Total),
            Stages = [.. timing.Profile[0].Stages.Select(stage =>
                StageResult.From(stage, timing, profile.Median, stage.Name is StageNames.Gram or StageNames.Solve ? peakF64 : peakF32))],
            PeakF32Gflops = peakF32,
            PeakF64Gflops = peakF64,
            PeakTensorBytes = timing.PeakBytes,
            RequestSamplesMs = timing.Latency,
            ProfileSamplesMs = [.. timing.Profile.Select(run => run.Total)],
        };
    }
}

/// <summary>One stage of the profile run.</summary>
internal sealed record StageResult(
    string Name,
    double ColdMs,
    LatencyStatistics Time,
    double SharePercent,
    double Bytes,
    double Flops,
    double? Gflops,
    double? GigabytesPerSecond,
    double? PeakPercent)
{
    /// <summary>Of every profiled request, in their order; absent in results of before they were kept.</summary>
    public IReadOnlyList<double>? SamplesMs { get; init; }

    /// <summary>Bytes that tensors held when it ended, the model included; absent where that is not known.</summary>
    public long? TensorBytes { get; init; }

    public static StageResult From(StageTime stage, RequestTiming timing, double total, double? peakGflops)
    {
        var time = LatencyStatistics.From(timing.Profile.Select(run => run.Milliseconds(stage.Name)));
        // Work per millisecond is 10^6 times smaller than 10^9 a second. A stage too short for the clock has no rate.
        double? gflops = stage.Flops > 0 && time.Median > 0 ? stage.Flops / time.Median / 1e6 : null;
        return new StageResult(
            stage.Name,
            timing.Cold.Milliseconds(stage.Name),
            time,
            100 * time.Median / total,
            stage.Bytes,
            stage.Flops,
            gflops,
            stage.Bytes > 0 && time.Median > 0 ? stage.Bytes / time.Median / 1e6 : null,
            100 * gflops / peakGflops)
        {
            SamplesMs = [.. timing.Profile.Select(run => run.Milliseconds(stage.Name))],
            TensorBytes = stage.TensorBytes,
        };
    }
}
