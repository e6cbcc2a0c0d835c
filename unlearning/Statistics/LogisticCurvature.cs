using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>
/// The Hessian of a logistic regression, approximated by one block for all classes:
/// H = sum_i w_(y_i) h_i [x_i, 1] [x_i, 1]ᵀ / sum_i w_(y_i) + L2 I, where h_i is the mean of p (1 - p) over the classes.
/// </summary>
/// <remarks>
/// Columns of features are strongly correlated. With this in place of the identity L-BFGS needs a fifth of the steps (real
/// All-CNN features, L2 from 1e-2 to 1e-6), for the cost of two gradients per fit.
/// </remarks>
internal sealed unsafe class LogisticCurvature
{
    // Keep rounding, or rows that are all certain, from making the block indefinite.
    private const double RelativeRidge = 1e-8;
    private const double SmallestRidge = 1e-12;

    private readonly int _classes;
    private readonly int _side;
    private readonly double[] _factor;
    private readonly double[] _vector;

    /// <summary>Makes room for a block [d + 1, d + 1].</summary>
    public LogisticCurvature(int width, int classes)
    {
        _classes = classes;
        _side = width + 1;
        _factor = new double[_side * _side];
        _vector = new double[_side];
    }

    /// <summary>Takes the sum of partial blocks and factors it.</summary>
    /// <param name="partials">[chunks, d + 1, d + 1].</param>
    /// <param name="totalWeight">Divides the sum.</param>
    /// <param name="l2">Added to the diagonal.</param>
    public void Factor(ReadOnlySpan<double> partials, double totalWeight, double l2)
    {
        Array.Clear(_factor);
        for (var first = 0; first < partials.Length; first += _factor.Length)
        {
            for (var i = 0; i < _factor.Length; i++)
                _factor[i] += partials[first + i] / totalWeight;
        }

        var trace = 0.0;
        for (var i = 0; i < _side; i++)
            trace += _factor[(i * _side) + i];
        var ridge = l2 + (RelativeRidge * trace / _side) + SmallestRidge;
        for (var i = 0; i < _side; i++)
            _factor[(i * _side) + i] += ridge;
        if (!Cholesky.Factor(_factor, _side))
            throw new EscException(ErrorCode.Internal, $"logistic regression: its curvature [{_side}, {_side}] is not positive definite");
    }

    /// <summary>Solves with the block for every class, in place.</summary>
    /// <param name="vector">[classes, d] and then [classes], as the variables lie.</param>
    public void Solve(Span<double> vector)
    {
        var width = _side - 1;
        var biases = vector[^_classes..];
        for (var c = 0; c < _classes; c++)
        {
            var weights = vector.Slice(c * width, width);
            weights.CopyTo(_vector);
            _vector[width] = biases[c];
            Cholesky.Solve(_factor, _side, _vector);
            _vector.AsSpan(0, width).CopyTo(weights);
            biases[c] = _vector[width];
        }
    }

    /// <summary>Adds the rows of a block to H, in which each counts by its uncertainty.</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="scores">[rows, classes]; overwritten.</param>
    /// <param name="labels">[rows].</param>
    /// <param name="classWeights">[classes].</param>
    /// <param name="scaled">Scratch, [rows, d + 1].</param>
    /// <param name="block">[d + 1, d + 1].</param>
    public static void Add(
        double* x, int rows, int width, double* scores, int classes, int* labels, double* classWeights, double* scaled, double* block)
    {
        for (var row = 0; row < rows; row++)
        {
            var s = new Span<double>(scores + ((long)row * classes), classes);
            var largest = s[Accuracy.IndexOfLargest(s)];
            double sum = 0, squares = 0;
            foreach (ref var score in s)
            {
                score = Math.Exp(score - largest);
                sum += score;
                squares += score * score;
            }

            var uncertainty = Math.Max(0, 1 - (squares / (sum * sum))) / classes;
            var factor = Math.Sqrt(classWeights[labels[row]] * uncertainty);
            var from = x + ((long)row * width);
            var to = scaled + ((long)row * (width + 1));
            for (var j = 0; j < width; j++)
                to[j] = factor * from[j];
            to[width] = factor;
        }

        Gemm.GramF64(rows, width + 1, scaled, width + 1, block);
    }
}
