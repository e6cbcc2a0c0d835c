using System.Diagnostics;
using EscNative.Engine;

namespace EscNative.Models;

/// <summary>Adds up the time of each stage of a request, waiting for the device at the borders.</summary>
/// <remarks>The waiting costs what overlapping would save, so a run with a recorder is a profile, not the latency.</remarks>
/// <param name="device">The device to wait for.</param>
public sealed class StageRecorder(Device device)
{
    private readonly Dictionary<string, StageTime> _stages = [];
    private readonly List<string> _order = [];

    /// <summary>The stages in the order in which they first began.</summary>
    public IReadOnlyList<StageTime> Stages => [.. _order.Select(name => _stages[name])];

    /// <summary>Begins a stage: <c>using (recorder.Begin("forward")) ...</c>; stages do not nest.</summary>
    public Running Begin(string stage)
    {
        device.Synchronize();
        return new Running(this, stage, Telemetry.Stage(stage), Stopwatch.GetTimestamp());
    }

    /// <summary>Begins a stage of which a recorder, if there is one, and whoever listens to <see cref="Telemetry"/> are told.</summary>
    /// <remarks>Without a recorder nobody waits for the device: the time is that of the host.</remarks>
    public static Running Begin(StageRecorder? recorder, string stage) =>
        recorder?.Begin(stage) ?? new Running(null, stage, Telemetry.Stage(stage), 0);

    /// <summary>Adds work to a stage: bytes that it must move, and floating-point operations.</summary>
    public void AddWork(string stage, double bytes, double flops) => Update(stage, 0, bytes, flops, null);

    private void End(string stage, long started)
    {
        device.Synchronize();
        Update(stage, Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 0, device.Memory.Live);
    }

    private void Update(string stage, double seconds, double bytes, double flops, long? tensorBytes)
    {
        if (!_stages.TryGetValue(stage, out var sum))
        {
            _order.Add(stage);
            sum = new StageTime(stage, 0, 0, 0);
        }

        _stages[stage] = sum with { Seconds = sum.Seconds + seconds, Bytes = sum.Bytes + bytes, Flops = sum.Flops + flops, TensorBytes = tensorBytes ?? sum.TensorBytes };
    }

    /// <summary>A stage that is running.</summary>
    public readonly struct Running : IDisposable
    {
        private readonly StageRecorder? _recorder;
        private readonly string _stage;
        private readonly Telemetry.Span _span;
        private readonly long _started;

        internal Running(StageRecorder? recorder, string stage, Telemetry.Span span, long started) =>
            (_recorder, _stage, _span, _started) = (recorder, stage, span, started);

        /// <summary>Ends the stage.</summary>
        public void Dispose()
        {
            _recorder?.End(_stage, _started);
            _span.Dispose();
        }
    }
}

/// <summary>What one stage of a request cost.</summary>
/// <param name="Name">The stage: <c>forward</c>.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="Bytes">Bytes that the stage must read and write at least; 0 where it is not counted.</param>
/// <param name="Flops">Floating-point operations; 0 where they are not counted.</param>
/// <param name="TensorBytes">Bytes that the device's tensors held when the stage last ended; null where it has not ended.</param>
public readonly record struct StageTime(string Name, double Seconds, double Bytes, double Flops, long? TensorBytes = null);
