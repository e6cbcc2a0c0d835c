using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Unlearning;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Models;

/// <summary>What listeners are told of requests, stages and epochs, and that nobody pays where nobody listens.</summary>
/// <remarks>Other tests run at the same time and are heard too: each test listens to what its own activity encloses.</remarks>
[CollectionDefinition(nameof(TelemetryTests), DisableParallelization = true)]
[Collection(nameof(TelemetryTests))]
public sealed class TelemetryTests
{
    [Fact]
    public void A_request_is_an_activity_with_its_stages_inside()
    {
        using var heard = new Heard();
        using var model = SmallImages.Model();
        model.Training = false;
        var split = ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(2));
        var result = new Esc().Run(new UnlearningContext(model, split.Forget, new UnlearningOptions { Directions = 1 }));

        var request = Assert.Single(heard.Own, a => a.OperationName == "unlearn");
        Assert.Equal(("esc", result.Images, "completed"), (request.GetTagItem("escnative.method"), (int)request.GetTagItem("escnative.images")!, request.GetTagItem("escnative.outcome")));
        Assert.Equal("allcnn", request.GetTagItem("escnative.architecture"));
        Assert.NotEqual(ActivityStatusCode.Error, request.Status);
        Assert.Equal(["compile", "upload", "forward", "gram", "solve", "apply"], heard.Own.Where(a => a.ParentSpanId == request.SpanId).OrderBy(a => a.StartTimeUtc).Select(a => a.OperationName).Distinct());
        Assert.All(heard.Own, a => Assert.DoesNotContain(a.TagObjects, tag => tag.Value is string text && text.Contains("blue", StringComparison.Ordinal)));
        Assert.Contains(("escnative.request.duration", "escnative.method=esc;escnative.outcome=completed"), heard.Measured.Keys);
        Assert.InRange(heard.Measured[("escnative.request.duration", "escnative.method=esc;escnative.outcome=completed")], 1e-6, result.Seconds + 1);
        Assert.Equal(result.Images, heard.Measured[("escnative.request.images", "escnative.method=esc;escnative.outcome=completed")]);
        Assert.Contains(("escnative.stage.duration", "escnative.stage=forward"), heard.Measured.Keys);
    }

    [Fact]
    public void A_method_that_trains_has_epochs_and_a_cancelled_one_has_failed()
    {
        using var heard = new Heard();
        var method = MethodRegistry.Create("ng");
        using (var model = Tiny.Model())
            Tiny.Run(method, model, Tiny.Options(method, ("epochs", 2)));
        var request = Assert.Single(heard.Own, a => a.OperationName == "unlearn");
        Assert.Equal([0, 1], heard.Own.Where(a => a.OperationName == "epoch" && a.ParentSpanId == request.SpanId).Select(a => (int)a.GetTagItem("escnative.epoch")!).Order());
        Assert.Contains(heard.Own, a => a.OperationName == "step");
        Assert.Contains(("escnative.epoch.duration", "escnative.method=ng"), heard.Measured.Keys);

        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        using (var model = Tiny.Model())
            Assert.ThrowsAny<OperationCanceledException>(() => Tiny.Run(method, model, Tiny.Options(method), cancel: cancelled.Token));
        var failed = heard.Own.Where(a => a.OperationName == "unlearn").Single(a => a != request);
        Assert.Equal(("failed", ActivityStatusCode.Error), (failed.GetTagItem("escnative.outcome"), failed.Status));
    }

    [Fact]
    public void Where_nobody_listens_nothing_is_allocated()
    {
        Assert.False(Telemetry.Source.HasListeners());
        using var model = SmallImages.Model();
        var context = new UnlearningContext(model, SmallImages.Set(4, 1));
        var method = new Esc();
        void Round()
        {
            using (Telemetry.Epoch("train", 3))
            using (context.Stage("forward"))
            using (RequestSpan.Begin(method, context))
            {
            }
        }

        for (var i = 0; i < 100; i++)
            Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Round();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        // The count would notice: with a listener there are activities.
        using var heard = new Heard();
        before = GC.GetAllocatedBytesForCurrentThread();
        using (context.Stage("forward"))
        {
        }

        Assert.True(GC.GetAllocatedBytesForCurrentThread() > before);
    }

    /// <summary>What is told on this thread's flow from its creation on.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly ActivityListener _activities;
        private readonly MeterListener _metrics = new();
        private readonly Activity _root = new Activity("test").Start();
        private readonly ConcurrentQueue<Activity> _stopped = new();

        public Heard()
        {
            _activities = new ActivityListener
            {
                ShouldListenTo = source => source.Name == Telemetry.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _stopped.Enqueue,
            };
            ActivitySource.AddActivityListener(_activities);
            _metrics.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Telemetry.Name)
                    listener.EnableMeasurementEvents(instrument);
            };
            _metrics.SetMeasurementEventCallback<double>(Add);
            _metrics.SetMeasurementEventCallback<long>(Add);
            _metrics.Start();
        }

        public IEnumerable<Activity> Own => _stopped.Where(a => a.TraceId == _root.TraceId);

        public ConcurrentDictionary<(string Instrument, string Tags), double> Measured { get; } = new();

        public void Dispose()
        {
            _metrics.Dispose();
            _activities.Dispose();
            _root.Dispose();
        }

        private void Add<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
            where T : struct, IConvertible
        {
            if (Activity.Current?.TraceId == _root.TraceId)
                Measured[(instrument.Name, string.Join(';', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")))] = Convert.ToDouble(value, null);
        }
    }
}
