using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>
/// Multinomial logistic regression on standardised features:
/// f(W, b) = sum_i w_(y_i) CE(W x_i + b, y_i) / sum_i w_(y_i) + L2 / 2 |W|².
/// </summary>
/// <remarks>
/// The variables are W [classes, d] row-major, then b [classes], which is not penalised. Everything in double; the features
/// stay float32 and are standardised block by block, so that no second copy of them is needed.
/// </remarks>
internal sealed unsafe class LogisticObjective : IObjective
{
    // Enough chunks to feed many cores, but no more partial results than fit into 256 MB where heads are huge.
    private const int MaxChunks = 64;
    private const long MaxPartialValues = 1 << 25;

    private readonly FeatureSplit _features;
    private readonly int[] _labels;
    private readonly int _classes;
    private readonly double[] _classWeights;
    private readonly double _totalWeight;
    private readonly Standardiser _standardiser;
    private readonly LogisticCurvature _curvature;
    private double[] _partials = [];

    /// <summary>Keeps its arguments.</summary>
    /// <param name="features">The features.</param>
    /// <param name="labels">The class of each row, which need not be the features' own.</param>
    /// <param name="classes">How many classes these labels have.</param>
    /// <param name="classWeights">w, [classes].</param>
    /// <param name="standardiser">Applied to the features.</param>
    public LogisticObjective(FeatureSplit features, int[] labels, int classes, double[] classWeights, Standardiser standardiser)
    {
        _features = features;
        _labels = labels;
        _classes = classes;
        _classWeights = classWeights;
        _standardiser = standardiser;
        _curvature = new LogisticCurvature(features.Width, classes);
        foreach (var label in labels)
            _totalWeight += classWeights[label];
    }

    /// <inheritdoc/>
    public int Length => _classes * (_features.Width + 1);

    /// <summary>The penalty's factor.</summary>
    public double L2 { get; set; }

    /// <inheritdoc/>
    public double Evaluate(ReadOnlySpan<double> point, Span<double> gradient)
    {
        var partials = RunChunks(point, Length + 1, curvature: false);
        gradient.Clear();
        var loss = 0.0;
        for (; partials.Length > 0; partials = partials[(Length + 1)..])
        {
            for (var i = 0; i < gradient.Length; i++)
                gradient[i] += partials[i];
            loss += partials[Length];
        }

        var penalised = point[..(_classes * _features.Width)];
        for (var i = 0; i < gradient.Length; i++)
            gradient[i] = (gradient[i] / _totalWeight) + (i < penalised.Length ? L2 * point[i] : 0);
        return (loss / _totalWeight) + (L2 / 2 * Lbfgs.Dot(penalised, penalised));
    }

    /// <inheritdoc/>
    public void UpdateCurvature(ReadOnlySpan<double> point)
    {
        var side = _features.Width + 1;
        _curvature.Factor(RunChunks(point, side * side, curvature: true), _totalWeight, L2);
    }

    /// <inheritdoc/>
    public void SolveCurvature(Span<double> vector) => _curvature.Solve(vector);

    /// <summary>Sums over the rows of each chunk; the chunks depend on the sizes alone.</summary>
    /// <returns>[chunks, size].</returns>
    private ReadOnlySpan<double> RunChunks(ReadOnlySpan<double> point, int size, bool curvature)
    {
        var blockRows = RowBlocks.RowsFor(_features.Width);
        var blocks = (_features.Rows + blockRows - 1) / blockRows;
        var most = (int)Math.Clamp(MaxPartialValues / size, 1, MaxChunks);
        var chunkBlocks = (blocks + most - 1) / most;
        var chunks = (blocks + chunkBlocks - 1) / chunkBlocks;
        if (_partials.Length < (long)chunks * size)
            _partials = new double[(long)chunks * size];
        fixed (float* features = _features.Features)
        fixed (int* labels = _labels)
        fixed (double* x = point, classWeights = _classWeights, mean = _standardiser.Mean, scale = _standardiser.Scale, partials = _partials)
        {
            var job = new ChunkJob
            {
                Features = features,
                Labels = labels,
                ClassWeights = classWeights,
                Mean = mean,
                Scale = scale,
                Weight = x,
                Bias = x + ((long)_classes * _features.Width),
                Partials = partials,
                Rows = _features.Rows,
                Width = _features.Width,
                Classes = _classes,
                ChunkRows = chunkBlocks * blockRows,
                BlockRows = blockRows,
                PartialSize = size,
                Curvature = curvature,
            };
            CpuParallel.Run(chunks, job);
        }

        return _partials.AsSpan(0, chunks * size);
    }

    private struct ChunkJob : ITileJob
    {
        public float* Features;
        public int* Labels;
        public double* ClassWeights, Mean, Scale, Weight, Bias, Partials;
        public int Rows, Width, Classes, ChunkRows, BlockRows, PartialSize;
        public bool Curvature;

        public readonly void Execute(int tile, int worker)
        {
            var partial = Partials + ((long)tile * PartialSize);
            new Span<double>(partial, PartialSize).Clear();
            var x = CpuScratch.Get<double>(CpuScratch.Slot.Reduce, (long)BlockRows * ((2 * Width) + 1 + Classes));
            var scores = x + ((long)BlockRows * Width);
            var scaled = scores + ((long)BlockRows * Classes);
            var end = Math.Min(Rows, (tile + 1) * ChunkRows);
            for (var first = tile * ChunkRows; first < end; first += BlockRows)
            {
                var rows = Math.Min(BlockRows, end - first);
                RowBlocks.Standardise(Features + ((long)first * Width), rows, Width, Mean, Scale, x);
                RowBlocks.Scores(x, rows, Width, Weight, Bias, Classes, scores);
                if (Curvature)
                    LogisticCurvature.Add(x, rows, Width, scores, Classes, Labels + first, ClassWeights, scaled, partial);
                else
                    AddGradient(x, rows, scores, Labels + first, partial);
            }
        }

        // A partial: the gradient of W, of b, and the loss, each summed over rows.
        private readonly void AddGradient(double* x, int rows, double* scores, int* labels, double* partial)
        {
            partial[PartialSize - 1] += RowBlocks.CrossEntropy(scores, rows, Classes, labels, ClassWeights);
            Gemm.Multiply(Classes, Width, rows, scores, Classes, true, x, Width, false, partial, Width, accumulate: true);
            RowBlocks.AddRows(scores, rows, Classes, partial + ((long)Classes * Width));
        }
    }
}
