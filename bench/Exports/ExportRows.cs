using EscNative.Bench.Cli;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>The figures of a result as rows: what every format but the traces is made of.</summary>
internal static class ExportRows
{
    private const double MillisecondsPerSecond = 1e3;
    private const double NanosecondsPerSecond = 1e9;

    /// <summary>The rows of a result, those that have a value, each under a name of its own.</summary>
    public static IReadOnlyList<ExportRow> Of(ResultDocument result)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        return
        [
            .. All(result).Where(row => double.IsFinite(row.Value)).Select(row => row with
            {
                Name = Unique(seen, $"{row.Measure} {row.Name}") is var n and > 1 ? FormattableString.Invariant($"{row.Name}#{n}") : row.Name,
                Low = Finite(row.Low),
                High = Finite(row.High),
                Samples = [.. row.Samples.Where(double.IsFinite)],
            }),
        ];
    }

    private static IEnumerable<ExportRow> All(ResultDocument result) =>
        new[] { Latency(result), Runs(result), Methods(result), Peers(result), Kernels(result), Micro(result), Metrics(result) }.SelectMany(rows => rows);

    private static IEnumerable<ExportRow> Latency(ResultDocument result)
    {
        if (result.Latency is not { } latency)
            yield break;
        yield return Statistics("request", latency.Request, latency.RequestSamplesMs);
        yield return Once("request/cold", latency.ColdMs / MillisecondsPerSecond);
        yield return Statistics("profile", latency.Profile, latency.ProfileSamplesMs);
        foreach (var stage in latency.Stages)
        {
            yield return Statistics($"stage/{Part(stage.Name)}", stage.Time, stage.SamplesMs);
            yield return Once($"stage/{Part(stage.Name)}/cold", stage.ColdMs / MillisecondsPerSecond);
        }

        yield return new ExportRow(Named(result, "memory/peak-tensors"), Measure.Memory, "B", Better.Smaller, latency.PeakTensorBytes);

        ExportRow Statistics(string name, LatencyStatistics ms, IReadOnlyList<double>? samples) => Time(result, name, ms.Median / MillisecondsPerSecond) with
        {
            Low = ms.P05 / MillisecondsPerSecond,
            High = ms.P95 / MillisecondsPerSecond,
            Samples = Seconds(samples, MillisecondsPerSecond),
        };

        ExportRow Once(string name, double seconds) => ExportRows.Once(result, name, seconds);
    }

    // What ran once: a training, a method, an erasure in each mode.
    private static IEnumerable<ExportRow> Runs(ResultDocument result)
    {
        if (result.Training is { } training)
            yield return Once(result, "training", training.Seconds);
        if (result.Unlearning is { } run)
            yield return Once(result, $"unlearning/{Part(run.Method)}", run.Seconds);
        foreach (var erasure in result.Erasures ?? [])
            yield return Once(result, $"erasure/{Part(erasure.Mode)}", erasure.Seconds);
    }

    private static IEnumerable<ExportRow> Methods(ResultDocument result)
    {
        foreach (var method in result.Experiment?.Methods ?? [])
        {
            double[] seconds = [.. method.Trials.Select(trial => trial.Seconds).Where(double.IsFinite)];
            if (seconds.Length > 0)
                yield return Time(result, $"method/{Part(method.Method)}", Sampling.Median(seconds)) with { Samples = seconds };
        }
    }

    private static IEnumerable<ExportRow> Peers(ResultDocument result)
    {
        foreach (var workload in result.Peers?.Workloads ?? [])
        {
            foreach (var side in workload.Sides)
            {
                var name = FormattableString.Invariant(
                    $"{Part(workload.Name)}/{Part(side.Engine)}/{Part(side.Variant)}/threads:{side.Threads}{(side.BusyCore ? "/busy-core" : "")}");
                yield return Time(result, name, side.Milliseconds / MillisecondsPerSecond) with
                {
                    Samples = Seconds(side.SamplesMs, MillisecondsPerSecond),
                    Threads = side.Threads,
                };
                yield return new ExportRow(Named(result, name), Measure.Ratio, "", Better.Neither, side.Ratio) { Low = side.RatioLow, High = side.RatioHigh, Threads = side.Threads };
            }

            foreach (var step in workload.Steps ?? [])
                yield return Time(result, $"{Part(workload.Name)}/step/{Part(step.Name)}", step.Milliseconds / MillisecondsPerSecond);
        }
    }

    private static IEnumerable<ExportRow> Kernels(ResultDocument result)
    {
        foreach (var row in result.Kernels?.Rows ?? [])
        {
            var name = FormattableString.Invariant($"{Part(row.Name)}/threads:{row.Threads}");
            yield return Time(result, name, row.Milliseconds / MillisecondsPerSecond) with { Samples = Seconds(row.SamplesMs, MillisecondsPerSecond), Threads = row.Threads };
            if (result.Kernels!.Peer is not { } peer)
                continue;
            yield return Time(result, $"{name}/{Part(peer)}", row.PeerMilliseconds / MillisecondsPerSecond) with { Threads = row.Threads };
            yield return new ExportRow(Named(result, $"{name}/{Part(peer)}"), Measure.Ratio, "", Better.Neither, row.Ratio) { Low = row.RatioLow, High = row.RatioHigh, Threads = row.Threads };
        }

        foreach (var row in result.CudaKernels?.Rows ?? [])
        {
            yield return Time(result, Part(row.Name), row.Milliseconds / MillisecondsPerSecond) with { Samples = Seconds(row.SamplesMs, MillisecondsPerSecond) };
            yield return Time(result, $"{Part(row.Name)}/predicted", row.PredictedMilliseconds / MillisecondsPerSecond);
        }
    }

    private static IEnumerable<ExportRow> Micro(ResultDocument result)
    {
        foreach (var row in result.Micro?.Rows ?? [])
        {
            var name = $"{Part(row.Suite)}/{Part(row.Name)}{(row.Parameters.Length > 0 ? $"/{Part(row.Parameters)}" : "")}";
            yield return Time(result, name, row.MedianNanoseconds / NanosecondsPerSecond) with
            {
                Low = (row.MeanNanoseconds - row.ErrorNanoseconds) / NanosecondsPerSecond,
                High = (row.MeanNanoseconds + row.ErrorNanoseconds) / NanosecondsPerSecond,
                Samples = Seconds(row.SamplesNanoseconds, NanosecondsPerSecond),
            };
            if (row.AllocatedBytes is { } bytes)
                yield return new ExportRow(Named(result, name), Measure.Memory, "B", Better.Smaller, bytes);
        }
    }

    private static IEnumerable<ExportRow> Metrics(ResultDocument result)
    {
        foreach (var row in result.Metrics?.Rows ?? [])
        {
            foreach (var column in result.Metrics!.Columns.Where(row.Values.ContainsKey))
                yield return Metric(column, row.Metric, row.Name, row.Unit, row.Direction, row.Values[column], row.Intervals?.GetValueOrDefault(column));
        }

        foreach (var method in result.Experiment?.Methods ?? [])
        {
            foreach (var metric in method.Metrics)
            {
                var definition = result.Experiment!.Metrics.FirstOrDefault(m => (m.Metric, m.Name) == (metric.Metric, metric.Name));
                yield return Metric(method.Method, metric.Metric, metric.Name, definition?.Unit ?? "", definition?.Direction ?? "", metric.Mean, metric.Interval);
            }
        }

        ExportRow Metric(string column, string metric, string name, string unit, string direction, double value, IReadOnlyList<double>? interval) =>
            new(Named(result, $"metric/{Part(metric)}/{Part(name)}/{Part(column)}"), Measure.Metric, unit, Way(direction), value)
            {
                Low = interval?[0],
                High = interval?[1],
                Threads = result.Setup.Threads,
            };
    }

    private static Better Way(string direction) => direction switch
    {
        "lower" => Better.Smaller,
        "higher" => Better.Larger,
        _ => Better.Neither,
    };

    private static ExportRow Time(ResultDocument result, string name, double seconds) =>
        new(Named(result, name), Measure.Time, "s", Better.Smaller, seconds) { Threads = result.Setup.Threads };

    private static ExportRow Once(ResultDocument result, string name, double seconds) => Time(result, name, seconds) with { Samples = [seconds] };

    private static string Named(ResultDocument result, string name) => $"{Part(result.Verb)}/{name}";

    // Names come from files too; the slash is what divides a row's name.
    private static string Part(string text) => PlainText.Of(text).Replace('/', '|').Trim();

    private static double[] Seconds(IReadOnlyList<double>? samples, double perSecond) => [.. (samples ?? []).Select(sample => sample / perSecond)];

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? v : null;

    private static int Unique(Dictionary<string, int> seen, string name) => seen[name] = seen.GetValueOrDefault(name) + 1;
}
