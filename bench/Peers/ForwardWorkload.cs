using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Engine;
using EscNative.Engine.Plans;
using EscNative.Models;

namespace EscNative.Bench.Peers;

/// <summary>Images to class scores.</summary>
internal sealed class ForwardWorkload : Workload
{
    // Every side sums the same products in another order: a layer's sums of up to 4608 products each change a score by some
    // sqrt(4608) 2^-24 = 4e-6 of its size, and fifty layers of them by sqrt(50) times as much. Ten times that is a bug.
    private const double RelativeTolerance = 4e-4;

    private readonly ComparedModel _subject;
    private readonly int _batch;
    private readonly float[] _images;
    private readonly Tensor _tensor;
    private readonly float[] _features;
    private readonly float[] _logits;
    private readonly CompiledExtractor _plan;
    private readonly CompiledExtractor _direct;

    public ForwardWorkload(ComparedModel subject, int batch, int threads)
    {
        _subject = subject;
        _batch = batch;
        _images = subject.Batch(batch).Images;
        var test = subject.Split.Data.Test;
        _tensor = Tensor.From(_images, (batch, test.Height, test.Width, test.Channels), subject.Model.Device);
        _logits = new float[batch * subject.Model.Classes];
        _features = new float[batch * subject.Model.FeatureWidth];
        // The peers know the batch too: their models are exported and compiled for it.
        var options = new PlanOptions { ImagesPerRun = batch };
        _plan = CompiledExtractor.Compile(subject.Model, test.Height, test.Width, options);
        _direct = CompiledExtractor.Compile(subject.Model, test.Height, test.Width, options with { Winograd = false });
        Own =
        [
            Side("plan", () => _plan.Run(_images, _features, _logits)),
            Side("plan without Winograd", () => _direct.Run(_images, _features, _logits)),
            Side("eager", Eager),
        ];

        OwnSide Side(string variant, Action call) => new(variant, threads, false, seconds =>
        {
            // As the peers do, who make a call for the output before the clock starts.
            call();
            return Sampling.MedianSeconds(call, seconds, longest: Sampling.Long * seconds);
        });
    }

    public override string Name => string.Create(CultureInfo.InvariantCulture, $"forward-{_batch}");

    public override string Description => "float32 images in memory to class scores";

    public override int Images => _batch;

    public override string Operation => "forward";

    public override string? Architecture => _subject.Model.Description.Architecture;

    public override IReadOnlyList<OwnSide> Own { get; }

    public override JsonObject Request
    {
        get
        {
            var request = _subject.Describe(Operation);
            request["batch"] = _batch;
            request["images"] = "batch";
            return request;
        }
    }

    public override IReadOnlyList<(string Name, byte[] Data)> Blobs => [(ComparedModel.Blob, _subject.FileContent()), ("batch", ComparedModel.Bytes(_images))];

    public override Agreement Compare(string variant, ReadOnlySpan<float> theirs) =>
        Agreement.Between(_logits, theirs, RelativeTolerance * _logits.Max(Math.Abs), "class scores");

    public override IReadOnlyList<StepResult> Profile(double seconds)
    {
        var times = new double[_plan.Plan.Steps.Count];
        var runs = 0;
        for (var started = Stopwatch.GetTimestamp(); runs < 3 || Stopwatch.GetElapsedTime(started).TotalSeconds < seconds; runs++)
            _plan.Plan.Profile(_images, _features, times);
        var total = times.Sum();
        // A profile ends with the features: the steps of the head have no time.
        return [.. _plan.Plan.Steps.Zip(times).Where(step => step.Second > 0).Select(step => Of(step.First, step.Second / runs, step.Second / total))];

        StepResult Of(PlanStepInfo step, double time, double share) => new(
            step.Name, step.Kind, step.Algorithm, 1e3 * time, 100 * share, step.Flops > 0 ? step.Flops * _batch / time / 1e9 : null);
    }

    public override void Dispose()
    {
        _tensor.Dispose();
        _plan.Dispose();
        _direct.Dispose();
    }

    private void Eager()
    {
        using var noGrad = Tensor.NoGrad();
        using var scope = Tensor.Scope();
        _subject.Model.Forward(_tensor).CopyTo(_logits.AsSpan());
    }
}
