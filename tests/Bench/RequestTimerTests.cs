using System.Diagnostics;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Engine;
using EscNative.Models;

namespace EscNative.Tests.Bench;

public sealed class RequestTimerTests
{
    [Fact]
    public void Stages_add_up_to_the_total_and_both_kinds_of_run_are_counted()
    {
        var request = new Busy();
        var timing = new RequestTimer(Device.Cpu).Measure(request, 10, cancel: TestContext.Current.CancellationToken);
        var result = LatencyResult.From(timing, 100, 50);

        Assert.Equal(10, result.Request.Count);
        Assert.Equal(10, result.Profile.Count);
        Assert.Equal(10, result.RequestSamplesMs.Count);
        // Cold and warm-up are profile runs too; every warm-up has one of each kind.
        Assert.Equal(1 + timing.WarmupRuns + 10, request.Profiled);
        Assert.Equal(timing.WarmupRuns + 10, request.Plain);
        Assert.Equal(["load", "forward", "save"], result.Stages.Select(s => s.Name));
        // A loaded machine may stop the process between two stages: most runs must add up, not every one.
        var errors = timing.Profile.Select(run => Math.Abs(run.Total - run.Sum) / run.Total).Order().ToArray();
        Assert.True(errors[5] <= 0.02, $"the stages miss the total by {errors[5]:P}");
        Assert.True(result.StageSumErrorPercent >= 100 * errors[5]);
    }

    [Fact]
    public void Rates_follow_from_work_and_median()
    {
        var result = LatencyResult.From(new RequestTimer(Device.Cpu).Measure(new Busy(), 10, cancel: TestContext.Current.CancellationToken), 100, 50);
        var forward = result.Stages.Single(s => s.Name == "forward");
        Assert.Equal(4e6, forward.Flops);
        Assert.Equal(4e6 / (forward.Time.Median * 1e6), forward.Gflops!.Value, 9);
        Assert.Equal(2e6 / (forward.Time.Median * 1e6), forward.GigabytesPerSecond!.Value, 9);
        Assert.Equal(forward.Gflops.Value, forward.PeakPercent!.Value, 9);
        var save = result.Stages.Single(s => s.Name == "save");
        Assert.Null(save.Gflops);
        Assert.Null(save.GigabytesPerSecond);
        Assert.Null(save.PeakPercent);
    }

    [Fact]
    public void A_cancelled_measurement_throws()
    {
        using var source = new CancellationTokenSource();
        var request = new Busy { AfterRun = source.Cancel };
        Assert.Throws<OperationCanceledException>(() => new RequestTimer(Device.Cpu).Measure(request, 10, cancel: source.Token));
        Assert.Equal(1, request.Profiled + request.Plain);
    }

    private sealed class Busy : ITimedRequest
    {
        public int Profiled { get; private set; }

        public int Plain { get; private set; }

        public Action? AfterRun { get; init; }

        public void Run(StageRecorder? recorder, CancellationToken cancel)
        {
            foreach (var (stage, milliseconds) in new[] { ("load", 0.5), ("forward", 1.5), ("save", 0.5) })
            {
                using (recorder?.Begin(stage) ?? default)
                    Spin(milliseconds);
            }

            recorder?.AddWork("forward", 2e6, 4e6);
            _ = recorder is null ? Plain++ : Profiled++;
            AfterRun?.Invoke();
        }

        private static void Spin(double milliseconds)
        {
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < milliseconds)
            {
            }
        }
    }
}
