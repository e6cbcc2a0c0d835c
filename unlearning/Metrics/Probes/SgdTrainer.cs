using EscNative.Kernels.Cpu;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>Trains a linear head by stochastic gradient descent, one batch after the other, in double.</summary>
internal sealed unsafe class SgdTrainer
{
    private readonly FeatureSplit _train;
    private readonly Standardiser _standardiser;
    private readonly double _learningRate;
    private readonly double _momentum;
    private readonly double[] _ones;
    private readonly int[] _labels;
    private readonly double[] _x;
    private readonly double[] _scores;

    // [classes, d] then [classes]: the weight and the bias, the running gradient of both.
    private readonly double[] _variables;
    private readonly double[] _velocity;

    /// <summary>Starts with a given weight [classes, d] and bias 0.</summary>
    public SgdTrainer(FeatureSplit train, Standardiser standardiser, SgdProbeOptions options, ReadOnlySpan<double> weight)
    {
        _train = train;
        _standardiser = standardiser;
        _learningRate = options.LearningRate;
        _momentum = options.Momentum;
        _ones = new double[train.Classes];
        Array.Fill(_ones, 1);
        _labels = new int[options.Batch];
        _x = new double[options.Batch * train.Width];
        _scores = new double[options.Batch * train.Classes];
        _variables = new double[train.Classes * (train.Width + 1)];
        _velocity = new double[_variables.Length];
        weight.CopyTo(_variables);
    }

    /// <summary>The classifier so far.</summary>
    public LinearHead Head => new(_variables[..^_train.Classes], _variables[^_train.Classes..], _standardiser);

    /// <summary>One step on given rows; returns the sum of their losses before it.</summary>
    public double Step(ReadOnlySpan<int> rows)
    {
        int width = _train.Width, classes = _train.Classes;
        fixed (double* x = _x, scores = _scores, variables = _variables, velocity = _velocity, ones = _ones)
        fixed (int* labels = _labels)
        {
            Gather(rows, x);
            var bias = variables + ((long)classes * width);
            RowBlocks.Scores(x, rows.Length, width, variables, bias, classes, scores);
            var loss = RowBlocks.CrossEntropy(scores, rows.Length, classes, labels, ones);
            for (var i = 0; i < _velocity.Length; i++)
                velocity[i] *= _momentum;
            for (var i = 0; i < rows.Length * classes; i++)
                scores[i] /= rows.Length;
            Gemm.Multiply(classes, width, rows.Length, scores, classes, true, x, width, false, velocity, width, accumulate: true);
            RowBlocks.AddRows(scores, rows.Length, classes, velocity + ((long)classes * width));
            for (var i = 0; i < _variables.Length; i++)
                variables[i] -= _learningRate * velocity[i];
            return loss;
        }
    }

    private void Gather(ReadOnlySpan<int> rows, double* x)
    {
        fixed (float* features = _train.Features)
        fixed (double* mean = _standardiser.Mean, scale = _standardiser.Scale)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                _labels[i] = _train.Labels[rows[i]];
                RowBlocks.Standardise(features + ((long)rows[i] * _train.Width), 1, _train.Width, mean, scale, x + ((long)i * _train.Width));
            }
        }
    }
}
