using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>A linear classifier that a probe has trained: scores = W (z - mean) scale + b, in float64.</summary>
public sealed unsafe class LinearHead
{
    private readonly double[] _weight;
    private readonly double[] _bias;
    private readonly Standardiser _standardiser;

    internal LinearHead(double[] weight, double[] bias, Standardiser standardiser)
    {
        _weight = weight;
        _bias = bias;
        _standardiser = standardiser;
    }

    /// <summary>How many classes it tells apart.</summary>
    public int Classes => _bias.Length;

    /// <summary>d, columns of the features.</summary>
    public int Width => _weight.Length / _bias.Length;

    /// <summary>The weight as it was trained, [classes, d], row-major.</summary>
    public ReadOnlySpan<double> Weight => _weight;

    /// <summary>The bias as it was trained, [classes].</summary>
    public ReadOnlySpan<double> Bias => _bias;

    /// <summary>Whether training kept every weight finite.</summary>
    internal bool IsFinite => Array.TrueForAll(_weight, double.IsFinite) && Array.TrueForAll(_bias, double.IsFinite);

    /// <summary>The scores of every row.</summary>
    /// <param name="features">n rows of d columns.</param>
    /// <returns>[n, classes], row-major.</returns>
    /// <exception cref="EscException">BadInput: another number of columns.</exception>
    public double[] Scores(FeatureSplit features)
    {
        ArgumentNullException.ThrowIfNull(features);
        var scores = new double[features.Rows * Classes];
        fixed (double* output = scores)
            Compute(features, output, null);
        return scores;
    }

    /// <summary>The class with the largest score of every row; of equal ones the first.</summary>
    /// <param name="features">n rows of d columns.</param>
    /// <exception cref="EscException">BadInput: another number of columns.</exception>
    public int[] Predict(FeatureSplit features)
    {
        ArgumentNullException.ThrowIfNull(features);
        var predictions = new int[features.Rows];
        fixed (int* output = predictions)
            Compute(features, null, output);
        return predictions;
    }

    private void Compute(FeatureSplit features, double* scores, int* predictions)
    {
        Guard.CheckCount("linear probe", "columns of features", features.Width, Width);
        var blockRows = RowBlocks.RowsFor(Width);
        fixed (float* x = features.Features)
        fixed (double* weight = _weight, bias = _bias, mean = _standardiser.Mean, scale = _standardiser.Scale)
        {
            var job = new ScoreJob
            {
                Features = x,
                Weight = weight,
                Bias = bias,
                Mean = mean,
                Scale = scale,
                Rows = features.Rows,
                Width = Width,
                Classes = Classes,
                BlockRows = blockRows,
                Scores = scores,
                Predictions = predictions,
            };
            CpuParallel.Run((features.Rows + blockRows - 1) / blockRows, job);
        }
    }

    private struct ScoreJob : ITileJob
    {
        public float* Features;
        public double* Weight, Bias, Mean, Scale, Scores;
        public int* Predictions;
        public int Rows, Width, Classes, BlockRows;

        public readonly void Execute(int tile, int worker)
        {
            var first = tile * BlockRows;
            var rows = Math.Min(BlockRows, Rows - first);
            var x = CpuScratch.Get<double>(CpuScratch.Slot.Reduce, (long)BlockRows * (Width + Classes));
            var scores = Scores == null ? x + ((long)BlockRows * Width) : Scores + ((long)first * Classes);
            RowBlocks.Standardise(Features + ((long)first * Width), rows, Width, Mean, Scale, x);
            RowBlocks.Scores(x, rows, Width, Weight, Bias, Classes, scores);
            for (var row = 0; Predictions != null && row < rows; row++)
                Predictions[first + row] = Accuracy.IndexOfLargest(new ReadOnlySpan<double>(scores + ((long)row * Classes), Classes));
        }
    }
}
