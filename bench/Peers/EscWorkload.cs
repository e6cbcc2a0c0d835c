using System.Diagnostics;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Kernels.Cpu;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Peers;

/// <summary>A whole request: the images to forget in memory to the erased model.</summary>
internal sealed class EscWorkload : Workload
{
    /// <summary>Its name.</summary>
    public const string WorkloadName = "esc-request";

    // The directions come from features in float32, the projector has entries of at most 1.
    private const double Tolerance = 1e-4;

    // The released procedure flips images at random and computes batch statistics of random batches: its directions differ
    // from run to run, by some 5e-4 on CIFAR-10 and on the embedded images.
    private const double ReleasedTolerance = 0.01;

    private readonly ComparedModel _subject;
    private readonly ImageSet _forget;
    private readonly UnlearningOptions _options;
    private readonly int _threads;
    private readonly Lazy<double[]> _official;
    private double[] _basis = [];

    public EscWorkload(ComparedModel subject, UnlearningOptions options, int threads)
    {
        _subject = subject;
        _options = options;
        _threads = threads;
        _forget = subject.Split.Forget;
        _official = new Lazy<double[]>(() => Erase(_options with { Mode = UnlearningMode.Official, OfficialAugmentation = false }).Basis);
        List<OwnSide> own = [Side("esc", threads, false), Side("esc, a core busy", threads, true)];
        if (threads > 1)
            own.AddRange([Side("esc", 1, false), Side("esc, a core busy", 1, true)]);
        Own = own;
    }

    public override string Name => WorkloadName;

    public override string Description => "images to forget in memory (8 bits a value) to the erased model";

    public override int Images => _forget.Count;

    public override string Operation => "esc";

    public override string? Architecture => _subject.Model.Description.Architecture;

    public override IReadOnlyList<OwnSide> Own { get; }

    public override JsonObject Request
    {
        get
        {
            var request = _subject.Describe(Operation);
            var normalisation = _subject.Model.Description.Normalisation;
            request["images"] = "forget";
            request["trainImages"] = _subject.Split.Data.Train.Count;
            request["k"] = DirectionCount.Resolve(_subject.Model.FeatureWidth, _options.Percent, _options.Directions);
            request["mean"] = PerChannel(normalisation.Mean);
            request["deviation"] = PerChannel(normalisation.Std);
            return request;
        }
    }

    public override IReadOnlyList<(string Name, byte[] Data)> Blobs => [(ComparedModel.Blob, _subject.FileContent()), ("forget", Pixels())];

    public override Agreement Compare(string variant, ReadOnlySpan<float> theirs)
    {
        var released = variant.StartsWith("released", StringComparison.Ordinal);
        var (ours, tolerance) = released ? (_official.Value, ReleasedTolerance) : (_basis, Tolerance);
        var d = _subject.Model.FeatureWidth;
        return Agreement.Between(
            Projector(ours, d), Projector(Array.ConvertAll(theirs.ToArray(), u => (double)u), d), tolerance,
            released ? "the projector of official mode" : "the projector");
    }

    public override void Dispose()
    {
        // Every request disposes of its own model.
    }

    private OwnSide Side(string variant, int threads, bool busy) => new(variant, threads, busy, seconds => Sampling.MedianSeconds(
        () =>
        {
            CpuParallel.Threads = threads;
            var (basis, time) = Erase(_options);
            CpuParallel.Threads = _threads;
            _basis = basis;
            return time;
        },
        seconds,
        least: 1));

    // The model is loaded before the clock starts: the request begins with model and images in memory.
    private (double[] Basis, double Seconds) Erase(UnlearningOptions options)
    {
        using var model = _subject.Copy();
        var start = Stopwatch.GetTimestamp();
        var result = new Esc().Run(new UnlearningContext(model, _forget, options));
        return (result.Subspace!.Basis, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private byte[] Pixels()
    {
        var pixels = new byte[_forget.Count * _forget.ImageSize];
        for (var i = 0; i < _forget.Count; i++)
            _forget.Pixels(i).CopyTo(pixels.AsSpan(i * _forget.ImageSize));
        return pixels;
    }

    private JsonArray PerChannel(Func<int, float> value) => new([.. Enumerable.Range(0, _forget.Channels).Select(c => JsonValue.Create(value(c)))]);

    // U Uᵀ for U [d, k]: directions have no sign and may turn among themselves, the projector is unique.
    private static float[] Projector(double[] basis, int d)
    {
        var k = basis.Length / d;
        var projector = new float[d * d];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                var sum = 0.0;
                for (var c = 0; c < k; c++)
                    sum += basis[(i * k) + c] * basis[(j * k) + c];
                projector[(i * d) + j] = (float)sum;
            }
        }

        return projector;
    }
}
