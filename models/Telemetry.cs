using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EscNative.Models;

/// <summary>
/// What a running program tells about its requests, stages and epochs to those who listen, as OpenTelemetry does: an
/// <see cref="ActivitySource"/> and a <see cref="System.Diagnostics.Metrics.Meter"/>, both named <see cref="Name"/>. docs/telemetry.md lists everything.
/// </summary>
/// <remarks>Where nobody listens nothing is made, measured or allocated. No name of a class, person or file is told.</remarks>
public static class Telemetry
{
    /// <summary>The name of both.</summary>
    public const string Name = "EscNative";

    /// <summary>The tag with a method's name.</summary>
    public const string MethodTag = "escnative.method";

    private const string StageTag = "escnative.stage";
    private const string EpochTag = "escnative.epoch";

    /// <summary>Makes the activities <c>unlearn</c>, <c>epoch</c> and those named after stages; methods from outside may add theirs.</summary>
    public static ActivitySource Source { get; } = new(Name);

    /// <summary>Has the instruments; methods from outside may add theirs.</summary>
    public static Meter Meter { get; } = new(Name);

    // After the meter: static fields are made in the order of the text.
    private static readonly Histogram<double> StageDuration = Meter.CreateHistogram<double>("escnative.stage.duration", "s", "Wall time of a stage of a request.");
    private static readonly Histogram<double> EpochDuration = Meter.CreateHistogram<double>("escnative.epoch.duration", "s", "Wall time of a training epoch.");

    /// <summary>Begins an epoch: <c>using (Telemetry.Epoch("scrub", epoch)) ...</c>.</summary>
    /// <param name="method">What trains: a method's name, or <c>train</c>.</param>
    /// <param name="epoch">Its number from 0.</param>
    public static Span Epoch(string method, int epoch)
    {
        if (!Source.HasListeners() && !EpochDuration.Enabled)
            return default;
        var activity = Source.StartActivity("epoch");
        activity?.SetTag(MethodTag, method).SetTag(EpochTag, epoch);
        return new Span(activity, EpochDuration, MethodTag, method);
    }

    /// <summary>Begins a stage.</summary>
    internal static Span Stage(string stage) => Source.HasListeners() || StageDuration.Enabled
        ? new Span(Source.StartActivity(stage), StageDuration, StageTag, stage)
        : default;

    /// <summary>Something that is running; ends when it is disposed.</summary>
    public readonly struct Span : IDisposable
    {
        private readonly Activity? _activity;
        private readonly Histogram<double>? _duration;
        private readonly string? _tag;
        private readonly string? _value;
        private readonly long _started;

        internal Span(Activity? activity, Histogram<double> duration, string tag, string value) =>
            (_activity, _duration, _tag, _value, _started) = (activity, duration, tag, value, Stopwatch.GetTimestamp());

        /// <summary>Ends it.</summary>
        public void Dispose()
        {
            if (_duration is null)
                return;
            _duration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, new KeyValuePair<string, object?>(_tag!, _value));
            _activity?.Dispose();
        }
    }
}
