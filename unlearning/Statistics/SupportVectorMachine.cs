using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>
/// A support-vector classifier of two classes with the radial kernel exp(-gamma |x - x'|²): libsvm's C-SVC, by sequential
/// minimal optimization with second-order working sets (Fan, Chen and Lin, 2005). No shrinking; the same input gives the same bits.
/// </summary>
internal sealed unsafe class SupportVectorMachine
{
    // libsvm's: stop when no pair violates the optimality conditions by more, and the least curvature of a pair.
    private const double Tolerance = 1e-3;
    private const double Tau = 1e-12;
    private const int IterationsBetweenLooks = 1024;
    private const int BlockRows = 4096;
    private const int TileRows = 64;

    private readonly double[] _support;
    private readonly double[] _weights;

    private SupportVectorMachine(double[] support, double[] weights, int width, double gamma, double rho, int iterations, bool converged)
    {
        _support = support;
        _weights = weights;
        Width = width;
        Gamma = gamma;
        Rho = rho;
        Iterations = iterations;
        Converged = converged;
    }

    /// <summary>Columns of the features.</summary>
    public int Width { get; }

    /// <summary>The kernel's gamma.</summary>
    public double Gamma { get; }

    /// <summary>The threshold: decision = sum_i y_i alpha_i K(x_i, x) - rho.</summary>
    public double Rho { get; }

    /// <summary>Pairs that were optimised.</summary>
    public int Iterations { get; }

    /// <summary>Whether the optimality conditions hold within the tolerance.</summary>
    public bool Converged { get; }

    /// <summary>How many rows hold the boundary.</summary>
    public int SupportVectors => _weights.Length;

    /// <summary>Fits.</summary>
    /// <param name="x">[n, width], row-major.</param>
    /// <param name="width">Columns.</param>
    /// <param name="positive">[n], the classes; both must occur.</param>
    /// <param name="c">The bound of the alphas.</param>
    /// <param name="gamma">The kernel's gamma; scikit-learn's "auto", 1 / width, if null.</param>
    /// <param name="cacheBytes">For rows of the kernel matrix.</param>
    /// <param name="cancel">Cancels between pairs.</param>
    public static SupportVectorMachine Fit(
        double[] x, int width, bool[] positive, double c, double? gamma = null, long cacheBytes = 256L << 20, CancellationToken cancel = default)
    {
        var positives = positive.Count(p => p);
        if (positives == 0 || positives == positive.Length)
            throw Guard.Bad($"support-vector classifier: got {positives} rows of one class and {positive.Length - positives} of the other, wants both");
        if (!(c > 0) || gamma is { } given && !(given > 0))
            throw new UsageException($"support-vector classifier: got C {c} and gamma {gamma}, wants both above 0");
        var kernel = new KernelRows(x, width, gamma ?? (1.0 / width), cacheBytes);
        var y = Array.ConvertAll(positive, p => p ? 1.0 : -1.0);
        var problem = new Problem(kernel, y, c);
        var (iterations, converged) = problem.Solve(cancel);
        var support = Enumerable.Range(0, y.Length).Where(i => problem.Alpha[i] > 0).ToArray();
        var rows = new double[support.Length * width];
        for (var i = 0; i < support.Length; i++)
            x.AsSpan(support[i] * width, width).CopyTo(rows.AsSpan(i * width));
        return new SupportVectorMachine(
            rows, Array.ConvertAll(support, i => y[i] * problem.Alpha[i]), width, kernel.Gamma, problem.Rho(), iterations, converged);
    }

    /// <summary>sum_i y_i alpha_i K(x_i, x) - rho of every row: above 0 for the positive class.</summary>
    /// <param name="x">[n, width], row-major.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    public double[] Decisions(double[] x, CancellationToken cancel = default)
    {
        var decisions = new double[x.Length / Width];
        for (var first = 0; first < decisions.Length; first += BlockRows)
        {
            cancel.ThrowIfCancellationRequested();
            var rows = Math.Min(BlockRows, decisions.Length - first);
            fixed (double* points = x, support = _support, weights = _weights, output = decisions)
            {
                var job = new DecisionJob
                {
                    Points = points + ((long)first * Width),
                    Support = support,
                    Weights = weights,
                    Output = output + first,
                    Rows = rows,
                    Width = Width,
                    SupportRows = _weights.Length,
                    Gamma = Gamma,
                    Rho = Rho,
                };
                CpuParallel.Run((rows + TileRows - 1) / TileRows, job);
            }
        }

        return decisions;
    }

    private struct DecisionJob : ITileJob
    {
        public double* Points, Support, Weights, Output;
        public int Rows, Width, SupportRows;
        public double Gamma, Rho;

        public readonly void Execute(int tile, int worker)
        {
            var end = Math.Min(Rows, (tile + 1) * TileRows);
            for (var row = tile * TileRows; row < end; row++)
            {
                var point = new ReadOnlySpan<double>(Points + ((long)row * Width), Width);
                var sum = -Rho;
                for (var i = 0; i < SupportRows; i++)
                    sum += Weights[i] * Math.Exp(-Gamma * KernelRows.SquaredDistance(new ReadOnlySpan<double>(Support + ((long)i * Width), Width), point));
                Output[row] = sum;
            }
        }
    }

    /// <summary>The dual problem: min over alpha of alphaᵀ Q alpha / 2 - sum alpha, 0 &lt;= alpha &lt;= C, yᵀ alpha = 0; Q_ij = y_i y_j K_ij.</summary>
    private sealed class Problem
    {
        private readonly KernelRows _kernel;
        private readonly double[] _y;
        private readonly double _c;

        // Q alpha - 1.
        private readonly double[] _gradient;

        public Problem(KernelRows kernel, double[] y, double c)
        {
            _kernel = kernel;
            _y = y;
            _c = c;
            Alpha = new double[y.Length];
            _gradient = new double[y.Length];
            Array.Fill(_gradient, -1);
        }

        public double[] Alpha { get; }

        public (int Iterations, bool Converged) Solve(CancellationToken cancel)
        {
            // libsvm's limit.
            var most = (int)Math.Min(int.MaxValue, Math.Max(10_000_000, 100L * _y.Length));
            for (var iteration = 0; iteration < most; iteration++)
            {
                if (iteration % IterationsBetweenLooks == 0)
                    cancel.ThrowIfCancellationRequested();
                if (Select() is not { } pair)
                    return (iteration, true);
                Optimise(pair.I, pair.J);
            }

            return (most, false);
        }

        /// <summary>The value at which free alphas stand; between the bounds' values if there are none.</summary>
        public double Rho()
        {
            double upper = double.PositiveInfinity, lower = double.NegativeInfinity, sum = 0;
            var free = 0;
            for (var i = 0; i < _y.Length; i++)
            {
                var value = _y[i] * _gradient[i];
                if (Alpha[i] > 0 && Alpha[i] < _c)
                {
                    free++;
                    sum += value;
                }
                else if ((Alpha[i] >= _c) == (_y[i] > 0))
                {
                    lower = Math.Max(lower, value);
                }
                else
                {
                    upper = Math.Min(upper, value);
                }
            }

            return free > 0 ? sum / free : (upper + lower) / 2;
        }

        // i violates most; j, of those that violate with it, promises the largest fall of the objective.
        private (int I, int J)? Select()
        {
            var (largest, first) = (double.NegativeInfinity, -1);
            for (var t = 0; t < _y.Length; t++)
            {
                if (CanRise(t) && -_y[t] * _gradient[t] >= largest)
                    (largest, first) = (-_y[t] * _gradient[t], t);
            }

            if (first < 0)
                return null;
            var row = _kernel.Row(first);
            var (least, second, best) = (double.NegativeInfinity, -1, double.PositiveInfinity);
            for (var t = 0; t < _y.Length; t++)
            {
                if (!CanFall(t))
                    continue;
                var value = _y[t] * _gradient[t];
                least = Math.Max(least, value);
                var violation = largest + value;
                if (violation <= 0)
                    continue;
                var fall = -(violation * violation) / Curvature(row[t]);
                if (fall <= best)
                    (best, second) = (fall, t);
            }

            return largest + least < Tolerance || second < 0 ? null : (first, second);
        }

        private bool CanRise(int t) => _y[t] > 0 ? Alpha[t] < _c : Alpha[t] > 0;

        private bool CanFall(int t) => _y[t] > 0 ? Alpha[t] > 0 : Alpha[t] < _c;

        // K_ii + K_jj - 2 K_ij, where the radial kernel has K_ii = 1.
        private static double Curvature(double kernel) => Math.Max(2 - (2 * kernel), Tau);

        // Along alpha_i += y_i t, alpha_j -= y_j t the constraint holds; t minimises, within the box.
        private void Optimise(int i, int j)
        {
            var (rowI, rowJ) = (_kernel.Row(i), _kernel.Row(j));
            var t = -((_y[i] * _gradient[i]) - (_y[j] * _gradient[j])) / Curvature(rowI[j]);
            t = Math.Min(t, _y[i] > 0 ? _c - Alpha[i] : Alpha[i]);
            t = Math.Min(t, _y[j] > 0 ? Alpha[j] : _c - Alpha[j]);
            Set(i, _y[i] * t);
            Set(j, -_y[j] * t);
            for (var k = 0; k < _y.Length; k++)
                _gradient[k] += _y[k] * t * ((double)rowI[k] - rowJ[k]);
        }

        // Rounding must not leave an alpha beside a bound that it has reached.
        private void Set(int i, double change)
        {
            var value = Alpha[i] + change;
            Alpha[i] = value < _c * 1e-15 ? 0 : value > _c * (1 - 1e-15) ? _c : value;
        }
    }
}
