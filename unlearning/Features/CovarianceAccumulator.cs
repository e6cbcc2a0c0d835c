using EscNative.Kernels.Cpu;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Features;

/// <summary>Mean and covariance of feature rows x, and their covariance with concept columns z, from one pass in float64.</summary>
/// <remarks>
/// Welford's update with whole blocks (Chan, Golub and LeVeque): each block is centred on its own mean, so that nothing cancels
/// where the mean is large against the deviation. O(d²) memory. The bits depend on the order of the rows and on how they are cut
/// into blocks.
/// </remarks>
/// <param name="width">d, the length of a feature.</param>
/// <param name="concepts">c, columns of z.</param>
internal sealed unsafe class CovarianceAccumulator(int width, int concepts)
{
    private readonly double[] _mean = new double[width];
    private readonly double[] _conceptMean = new double[concepts];
    // Sums over rows of (x - mean)(x - mean)ᵀ and (x - mean)(z - mean)ᵀ.
    private readonly double[] _scatter = new double[width * width];
    private readonly double[] _cross = new double[width * concepts];

    /// <summary>d.</summary>
    public int Width => width;

    /// <summary>c.</summary>
    public int Concepts => concepts;

    /// <summary>How many rows were added.</summary>
    public long Count { get; private set; }

    /// <summary>The mean of x, [d].</summary>
    public ReadOnlySpan<double> Mean => _mean;

    /// <summary>Adds a block.</summary>
    /// <param name="rows">x, [n, d].</param>
    /// <param name="columns">z, [n, c].</param>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    public void Add(ReadOnlySpan<float> rows, ReadOnlySpan<double> columns)
    {
        var n = rows.Length / width;
        if (rows.Length != n * width || columns.Length != n * concepts)
            throw new UsageException($"covariance: got {rows.Length} and {columns.Length} values, wants rows of {width} and {concepts}");
        if (n == 0)
            return;
        FeatureCheck.Finite(rows, width, Count);
        var x = new double[rows.Length];
        for (var i = 0; i < x.Length; i++)
            x[i] = rows[i];
        var z = columns.ToArray();
        var shift = Centre(x, width, n, _mean);
        var conceptShift = Centre(z, concepts, n, _conceptMean);
        fixed (double* a = x, b = z, scatter = _scatter, cross = _cross)
        {
            Gemm.GramF64(n, width, a, width, scatter);
            if (concepts > 0)
                Gemm.Multiply(width, concepts, n, a, width, true, b, concepts, false, cross, concepts, accumulate: true);
        }

        // The two blocks' means differ by the shift; their total moves by its share.
        var share = (double)n / (Count + n);
        var weight = Count * share;
        for (var i = 0; i < width; i++)
        {
            for (var j = 0; j < width; j++)
                _scatter[(i * width) + j] += weight * shift[i] * shift[j];
            for (var j = 0; j < concepts; j++)
                _cross[(i * concepts) + j] += weight * shift[i] * conceptShift[j];
        }

        Move(_mean, shift, share);
        Move(_conceptMean, conceptShift, share);
        Count += n;
    }

    /// <summary>Cov(x, x), [d, d]: the scatter divided by the number of rows less <paramref name="correction"/>.</summary>
    /// <exception cref="EscException">Fewer than two rows (bad input).</exception>
    public double[] Covariance(int correction = 1) => Divide(_scatter, correction);

    /// <summary>Cov(x, z), [d, c], with Bessel's correction.</summary>
    /// <exception cref="EscException">Fewer than two rows (bad input).</exception>
    public double[] CrossCovariance() => Divide(_cross, 1);

    private double[] Divide(double[] sums, int correction)
    {
        if (Count < 2)
            throw new EscException(ErrorCode.BadInput, $"covariance: got {Count} rows, wants 2 or more");
        return Array.ConvertAll(sums, sum => sum / (Count - correction));
    }

    // Takes the block's mean off its rows; returns how far it lies from the mean so far.
    private static double[] Centre(double[] rows, int columns, int n, double[] mean)
    {
        var shift = new double[columns];
        for (var at = 0; at < rows.Length; at += columns)
        {
            for (var j = 0; j < columns; j++)
                shift[j] += rows[at + j];
        }

        for (var j = 0; j < columns; j++)
            shift[j] /= n;
        for (var at = 0; at < rows.Length; at += columns)
        {
            for (var j = 0; j < columns; j++)
                rows[at + j] -= shift[j];
        }

        for (var j = 0; j < columns; j++)
            shift[j] -= mean[j];
        return shift;
    }

    private static void Move(double[] mean, double[] shift, double share)
    {
        for (var j = 0; j < mean.Length; j++)
            mean[j] += share * shift[j];
    }
}
