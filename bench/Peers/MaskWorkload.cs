using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Peers;

/// <summary>An epoch of ESC-T on cached features: from a mask of ones, a step for every batch, then the count of hits.</summary>
/// <remarks>Every row is right to begin with, and the steps are so small that every batch still has hits: no batch is skipped.</remarks>
internal sealed class MaskWorkload : Workload
{
    private const int Classes = 10;
    private const int Batch = 64;

    // The mask moves by some tenths in 79 steps of sums of up to 768 products in float32.
    private const double Tolerance = 2e-4;

    // Share of the largest entry of the first gradient: no entry moves further than 79 such steps.
    private const float LargestStep = 0.002f;

    private readonly int _d;
    private readonly float[] _features;
    private readonly float[] _weight;
    private readonly int[] _labels;
    private readonly int[] _order;
    private readonly double[] _basis;
    private readonly float _rate;
    private readonly float[] _ones;
    private readonly float[] _mask;
    private readonly CpuMaskTrainer _trainer;

    public MaskWorkload(int rows, int d, int threads)
    {
        _d = d;
        _features = FeatureMatrix.Make(rows, d);
        _weight = new float[Classes * d];
        new RandomSource(1, 1).FillNormal(_weight);
        _labels = Labels();
        _order = new RandomSource(1, 2).Permutation(rows);
        _basis = EscT.SquareBasis(new SubspaceProblem(_features, rows, d), "gram-eigen");
        (_ones, _mask) = (new float[d * d], new float[d * d]);
        Array.Fill(_ones, 1);
        _trainer = new CpuMaskTrainer(new MaskProblem(_features, _labels, _basis, _weight, new float[Classes], d, Batch));
        _rate = LargestStep / LargestGradient();
        List<OwnSide> own = [Side(threads)];
        if (threads > 1)
            own.Add(Side(1));
        Own = own;

        OwnSide Side(int count) => new("cached features", count, false, seconds => Sampling.MedianSeconds(
            () =>
            {
                CpuParallel.Threads = count;
                Updates = Epoch();
                CpuParallel.Threads = threads;
            },
            seconds));
    }

    /// <summary>Batches of the last epoch that had hits.</summary>
    public int Updates { get; private set; }

    public override string Name => NameOf(_d);

    public override string Description => string.Create(
        CultureInfo.InvariantCulture, $"an epoch of ESC-T on cached features, d = {_d}, {Classes} classes, batches of {Batch}");

    public override int Images => _labels.Length;

    public override string Operation => "esct";

    public override string? Architecture => null;

    public override IReadOnlyList<OwnSide> Own { get; }

    public override JsonObject Request => new()
    {
        ["op"] = Operation,
        ["d"] = _d,
        ["classes"] = Classes,
        ["batch"] = Batch,
        ["rate"] = _rate,
    };

    public override IReadOnlyList<(string Name, byte[] Data)> Blobs =>
    [
        ("features", ComparedModel.Bytes(_features)),
        ("basis", ComparedModel.Bytes(Array.ConvertAll(_basis, v => (float)v))),
        ("weight", ComparedModel.Bytes(_weight)),
        ("labels", MemoryMarshal.AsBytes<int>(_labels).ToArray()),
        ("order", MemoryMarshal.AsBytes<int>(_order).ToArray()),
    ];

    public override Agreement Compare(string variant, ReadOnlySpan<float> theirs) => Agreement.Between(_mask, theirs, Tolerance, "the mask");

    public override void Dispose() => _trainer.Dispose();

    /// <summary>The name for features of a width.</summary>
    public static string NameOf(int d) => string.Create(CultureInfo.InvariantCulture, $"esct-{d}");

    private int Epoch()
    {
        _trainer.WriteMask(_ones);
        var epoch = _trainer.Epoch(_order, _rate);
        _trainer.ReadMask(_mask);
        return epoch.Updates;
    }

    private int[] Labels()
    {
        var labels = new int[_features.Length / _d];
        for (var i = 0; i < labels.Length; i++)
        {
            var (best, highest) = (0, double.NegativeInfinity);
            for (var c = 0; c < Classes; c++)
            {
                var score = 0.0;
                for (var j = 0; j < _d; j++)
                    score += _weight[(c * _d) + j] * (double)_features[(i * _d) + j];
                if (score > highest)
                    (best, highest) = (c, score);
            }

            labels[i] = best;
        }

        return labels;
    }

    private float LargestGradient()
    {
        var descent = new MaskDescent<float>(_features, _labels, Array.ConvertAll(_basis, v => (float)v), _weight, new float[Classes], _d);
        var gradient = new float[_d * _d];
        descent.Gradient(_order.AsSpan(0, Batch), gradient);
        return gradient.Max(Math.Abs);
    }
}
