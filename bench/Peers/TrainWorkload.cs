using System.Globalization;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Models;

namespace EscNative.Bench.Peers;

/// <summary>One training step: forward, cross-entropy, backward, SGD with momentum and weight decay.</summary>
internal sealed class TrainWorkload : Workload
{
    private const double Rate = 0.01, Momentum = 0.9, Decay = 5e-4;
    private const int ComparedSteps = 3;

    // A loss is a mean over the batch: rounding of 2^-24 a product comes out below 1e-5 of it, and three steps feed it back.
    private const double RelativeTolerance = 1e-3;

    private readonly ComparedModel _subject;
    private readonly int _batch;
    private readonly float[] _images;
    private readonly int[] _labels;
    private readonly Tensor _x;
    private readonly Tensor _y;
    private readonly float[] _losses = new float[ComparedSteps];

    public TrainWorkload(ComparedModel subject, int batch, int threads)
    {
        _subject = subject;
        _batch = batch;
        (_images, _labels) = subject.Batch(batch);
        var test = subject.Split.Data.Test;
        _x = Tensor.From(_images, (batch, test.Height, test.Width, test.Channels), subject.Model.Device);
        _y = Tensor.From(_labels, batch, subject.Model.Device);
        Own = [new OwnSide("eager", threads, false, Measure)];
    }

    public override string Name => string.Create(CultureInfo.InvariantCulture, $"train-{_batch}");

    public override string Description => string.Create(
        CultureInfo.InvariantCulture, $"forward, cross-entropy, backward, SGD (momentum {Momentum}, weight decay {Decay})");

    public override int Images => _batch;

    public override string Operation => "train";

    public override string? Architecture => _subject.Model.Description.Architecture;

    public override IReadOnlyList<OwnSide> Own { get; }

    public override JsonObject Request
    {
        get
        {
            var request = _subject.Describe(Operation);
            request["batch"] = _batch;
            request["images"] = "batch";
            request["labels"] = new JsonArray([.. _labels.Select(label => JsonValue.Create(label))]);
            request["rate"] = Rate;
            request["momentum"] = Momentum;
            request["decay"] = Decay;
            request["steps"] = ComparedSteps;
            return request;
        }
    }

    public override IReadOnlyList<(string Name, byte[] Data)> Blobs => [(ComparedModel.Blob, _subject.FileContent()), ("batch", ComparedModel.Bytes(_images))];

    public override Agreement Compare(string variant, ReadOnlySpan<float> theirs) =>
        Agreement.Between(_losses, theirs, RelativeTolerance * _losses.Max(Math.Abs), $"the losses of {ComparedSteps} steps");

    public override void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
    }

    // Every measurement starts from the given weights, as the peers' do.
    private double Measure(double seconds)
    {
        using var model = _subject.Copy();
        model.Training = true;
        using var optimizer = new Sgd(model.Parameters, Rate, Momentum, Decay);
        for (var step = 0; step < ComparedSteps; step++)
            _losses[step] = Step(model, optimizer, read: true);
        return Sampling.MedianSeconds(() => Step(model, optimizer, read: false), seconds, longest: Sampling.Long * seconds);
    }

    private float Step(Classifier model, Sgd optimizer, bool read)
    {
        using var scope = Tensor.Scope();
        var loss = Loss.CrossEntropy(model.Forward(_x), _y);
        using var gradients = loss.Backward();
        optimizer.Step(gradients);
        return read ? (float)loss.Item() : 0;
    }
}
