using System.Diagnostics;
using EscNative.Engine;
using EscNative.Models;

namespace EscNative.Bench.Measuring;

/// <summary>Times a request: one cold run, a warm-up, then latency and profile runs in turn.</summary>
/// <param name="device">The device to wait for.</param>
internal sealed class RequestTimer(Device device)
{
    private const int MaximumWarmup = 20;
    private static readonly TimeSpan WarmupBudget = TimeSpan.FromSeconds(10);

    /// <summary>Times a request.</summary>
    /// <param name="request">What to run.</param>
    /// <param name="runs">How many measured runs of each kind.</param>
    /// <param name="progress">Told before every run: what is done, and which share of the measured runs lies behind.</param>
    /// <param name="afterCold">Called once the cold run is over, or null: what would have warmed it up.</param>
    /// <param name="cancel">Stops between two runs, and inside one where the request looks at it.</param>
    public RequestTiming Measure(
        ITimedRequest request, int runs, Action<string, double>? progress = null, Action? afterCold = null, CancellationToken cancel = default)
    {
        progress?.Invoke("cold run", 0);
        var cold = Profile(request, cancel);
        afterCold?.Invoke();

        var settling = new WarmupRule(MaximumWarmup, WarmupBudget);
        do
        {
            progress?.Invoke($"warm-up {settling.Runs + 1}", 0);
            _ = Profile(request, cancel);
        }
        while (!settling.Add(Latency(request, cancel)));

        // In turn, so that a drift of the machine meets both kinds alike.
        var profile = new List<ProfiledRun>();
        var latency = new List<double>();
        device.ResetPeak();
        for (var run = 0; run < runs; run++)
        {
            progress?.Invoke($"run {run + 1} of {runs}", (double)run / runs);
            latency.Add(Latency(request, cancel));
            profile.Add(Profile(request, cancel));
        }

        return new RequestTiming(cold, settling.Runs, settling.Reason!, profile, latency, device.Memory.Peak);
    }

    private ProfiledRun Profile(ITimedRequest request, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var recorder = new StageRecorder(device);
        device.Synchronize();
        var start = Stopwatch.GetTimestamp();
        request.Run(recorder, cancel);
        device.Synchronize();
        return new ProfiledRun(Stopwatch.GetElapsedTime(start).TotalMilliseconds, recorder.Stages);
    }

    private double Latency(ITimedRequest request, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        device.Synchronize();
        var start = Stopwatch.GetTimestamp();
        request.Run(null, cancel);
        device.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
