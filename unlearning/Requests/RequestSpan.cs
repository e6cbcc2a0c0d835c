using System.Diagnostics;
using System.Diagnostics.Metrics;
using EscNative.Models;

namespace EscNative.Unlearning;

/// <summary>Tells listeners of <see cref="Telemetry"/> about one request; there is none where nobody listens.</summary>
/// <remarks>A method begins with <c>using var span = RequestSpan.Begin(this, context);</c> and returns through <see cref="End"/>.</remarks>
internal sealed class RequestSpan : IDisposable
{
    private const string OutcomeTag = "escnative.outcome";

    private static readonly Histogram<double> Duration = Telemetry.Meter.CreateHistogram<double>("escnative.request.duration", "s", "Wall time of an unlearning request.");
    private static readonly Counter<long> Images = Telemetry.Meter.CreateCounter<long>("escnative.request.images", "{image}", "Images that were asked to be forgotten.");

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Activity? _activity;
    private readonly string _method;
    private readonly int _images;
    private string _outcome = "failed";

    private RequestSpan(IUnlearningMethod method, UnlearningContext context)
    {
        (_method, _images) = (method.Name, context.Forget.Count);
        _activity = Telemetry.Source.StartActivity("unlearn");
        _activity?.SetTag(Telemetry.MethodTag, _method).SetTag("escnative.images", _images).SetTag("escnative.device", context.Model.Device.Name)
            .SetTag("escnative.architecture", context.Model.Description.Architecture);
    }

    /// <summary>Begins a request; null where nobody listens.</summary>
    public static RequestSpan? Begin(IUnlearningMethod method, UnlearningContext context) =>
        Telemetry.Source.HasListeners() || Duration.Enabled || Images.Enabled ? new RequestSpan(method, context) : null;

    /// <summary>Tells how it ended.</summary>
    /// <returns>The result.</returns>
    public static UnlearningResult End(RequestSpan? span, UnlearningResult result)
    {
        if (span is not null)
        {
            span._outcome = result.Outcome == UnlearningOutcome.Completed ? "completed" : "diverged";
            span._activity?.SetTag("escnative.steps", result.Steps);
        }

        return result;
    }

    /// <summary>Ends it: as failed, unless <see cref="End"/> was told otherwise.</summary>
    public void Dispose()
    {
        var (method, outcome) = (new KeyValuePair<string, object?>(Telemetry.MethodTag, _method), new KeyValuePair<string, object?>(OutcomeTag, _outcome));
        Duration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, method, outcome);
        Images.Add(_images, method, outcome);
        _activity?.SetTag(OutcomeTag, _outcome);
        if (_outcome == "failed")
            _activity?.SetStatus(ActivityStatusCode.Error);
        _activity?.Dispose();
    }
}
