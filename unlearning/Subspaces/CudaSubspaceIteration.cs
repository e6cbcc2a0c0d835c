using System.Runtime.InteropServices;
using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Kernels.Cuda;

namespace EscNative.Unlearning.Subspaces;

/// <summary>
/// The k leading eigenpairs of a Gram matrix on a GPU by block subspace iteration with Rayleigh-Ritz: products with G and
/// orthogonalisation (CholeskyQR twice) on the device; the small eigenproblem comes to the host.
/// </summary>
/// <remarks>
/// Accepted when |G x - lambda x| / lambda_1 of every wanted pair is at most the tolerance: that of the options, or else what turns the
/// projector by 1e-10 at the most (residual over gap), as float32 features are known to 6e-8. The host waits once a round: a round's
/// residual comes with the next one's small matrix, unless the last rounds' fall says that it will do. Between two orthogonalisations lie
/// two products. Where their condition is too bad for a Cholesky factor, that step is done again
/// with one, as all later ones are; if that fails too, the block has lost its rank and the whole matrix must be decomposed.
/// </remarks>
internal sealed class CudaSubspaceIteration
{
    // The whole block is a multiple of this: full tiles of the kernels.
    private const int BlockUnit = 16;
    private const int Oversampling = 16;

    // How far the projector may turn, and the residuals that this may ask for.
    private const double ProjectorTolerance = 1e-10;
    private const double LargestTolerance = 1e-10;
    private const double LeastTolerance = 1e-14;

    // After this many rounds the rate is known well enough to tell whether the rest is worth its time.
    private const int ForecastAfter = 4;

    private readonly CudaOperand _operand;
    private readonly SubspaceKernels _kernels;
    private readonly SubspaceIterationOptions _options;
    private readonly bool _byProjector;
    private readonly List<double> _residuals = [];
    private readonly int _d;
    private readonly int _k;
    private readonly int _b;
    private readonly int _exponent;
    private readonly double _scale;
    private readonly double _pivot;

    // [d, b] each: the block, its image, the Ritz vectors' image; and what the host sends: their coordinates [b, b] and values [b].
    private nint _q, _y, _gx, _vectors, _values;

    // What the host reads, one behind the other: Ritz vectors [d, b], the squares of their residuals [b], the small matrix [b, b], and which
    // column lost its rank.
    private nint _x, _squares, _h, _info;

    /// <param name="operand">Where G lies; receives the working memory.</param>
    /// <param name="k">Directions, 1 or more.</param>
    /// <param name="trace">The trace of G, above 0.</param>
    /// <param name="options">Tolerance, oversampling, and the number of products; null for the defaults, with the tolerance of the remarks.</param>
    public CudaSubspaceIteration(CudaOperand operand, int k, double trace, SubspaceIterationOptions? options)
    {
        (_operand, _kernels, _options, _d, _k) = (operand, operand.Kernels, options ?? new SubspaceIterationOptions(), operand.Dimension, k);
        _byProjector = options is null;
        var block = _options.Oversampling is { } given ? k + (long)given : (k + Oversampling + BlockUnit - 1) / BlockUnit * BlockUnit;
        _b = (int)Math.Min(_d, block);
        // G is taken times a power of two, so that squares of squares neither overflow nor vanish.
        _exponent = -Math.ILogB(trace);
        _scale = Math.ScaleB(1, Math.Clamp(_exponent, -1020, 1020));
        _exponent = Math.ILogB(_scale);
        // Below this share a pivot is rounding: the sum of squares of a column is known to about b 2^-52 of it.
        _pivot = _b * Math.ScaleB(1, -47);
    }

    /// <summary>Products with G so far.</summary>
    public int Products { get; private set; }

    /// <summary>Why there is no result; null when there is one.</summary>
    public string? Failure { get; private set; }

    /// <summary>Iterates; null when it fails and may fall back.</summary>
    public Spectrum? Run(CancellationToken cancel)
    {
        if (_b >= _d || _b > SubspaceKernels.MostDirections)
        {
            Failure = $"a block of {_b} directions for k = {_k} of d = {_d} is too many";
            return null;
        }

        Reserve();
        _kernels.Start(_q, _d, _b);
        var twice = true;
        Round? open = null;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            Orthonormalise();
            Product(_q, _y);
            _kernels.Inner(_q, _y, _h, _d, _b);
            var report = Read(_squares, _b + ((long)_b * _b) + 1);
            if (open is { } before && Judge(before, report))
                return Result(Read(_x, (long)_d * _b), before, _residuals[^1] <= before.Target);
            if (Failure is not null)
                return null;
            open = null;
            if ((int)BitConverter.DoubleToInt64Bits(report[^1]) != 0)
            {
                if (!twice || _residuals.Count == 0)
                {
                    Failure = "the block of directions lost its rank: the matrix has fewer directions than that, or too steep a spectrum";
                    return null;
                }

                // It still holds the last orthonormal block times G.
                Copy(_gx, _q);
                twice = false;
                continue;
            }

            var round = RayleighRitz(report.AsSpan(_b, _b * _b).ToArray());
            if (IsLast(round))
            {
                var columns = Read(_x, (long)_d * _b + _b);
                if (Judge(round, columns.AsSpan(_d * _b)))
                    return Result(columns, round, _residuals[^1] <= round.Target);
                if (Failure is not null)
                    return null;
            }
            else
            {
                open = round;
            }

            if (twice)
                Product(_gx, _q);
            else
                Copy(_gx, _q);
        }
    }

    // All in one piece: the driver waits for the device when memory is given back.
    private void Reserve()
    {
        long size = (long)_d * _b, square = (long)_b * _b;
        var at = _operand.AllocatePointer<double>((4 * size) + (2 * square) + (2 * _b) + 1);
        _q = Take(size);
        _y = Take(size);
        _gx = Take(size);
        _vectors = Take(square);
        _values = Take(_b);
        _x = Take(size);
        _squares = Take(_b);
        _h = Take(square);
        _info = Take(1);

        nint Take(long count)
        {
            var taken = at;
            at += (nint)(count * sizeof(double));
            return taken;
        }
    }

    // The eigenpairs of the small matrix, the Ritz vectors, and the squares of their residuals.
    private Round RayleighRitz(double[] h)
    {
        var pairs = SymmetricEigen.Decompose(h, _b);
        _operand.Context.Upload(MemoryMarshal.AsBytes<double>([.. pairs.Vectors, .. pairs.Values]), _vectors);
        _kernels.Multiply(_q, _vectors, _x, _d, _b, _b);
        _kernels.Multiply(_y, _vectors, _gx, _d, _b, _b);
        _kernels.Residual(_x, _gx, _values, _squares, _d, _b);
        return new Round(pairs.Values, Target(pairs.Values), Products);
    }

    private double Target(double[] values) => !_byProjector ? _options.Tolerance
        : _b == _k ? LeastTolerance
        : Math.Clamp(ProjectorTolerance * (values[_k - 1] - values[_k]) / values[0], LeastTolerance, LargestTolerance);

    // Whether the fall of the last two rounds takes this one, whose residual nobody knows yet, below its target.
    private bool IsLast(Round round) => _residuals.Count >= 2 && _residuals[^1] / _residuals[^2] * _residuals[^1] <= round.Target;

    // Whether a round's result is taken; else there may be a failure.
    private bool Judge(Round round, ReadOnlySpan<double> squares)
    {
        double largest = 0;
        foreach (var square in squares[.._k])
            largest = Math.Max(largest, square);
        var residual = Math.Sqrt(largest) / round.Values[0];
        _residuals.Add(residual);
        if (residual <= round.Target)
            return true;
        if (!Hopeless(round))
            return false;
        if (!_options.FallBack)
            return true;
        Failure = $"subspace iteration stood at residual {residual:E1} after {round.Products} products and would not reach {round.Target:E0} within {_options.MaxIterations}";
        return false;
    }

    // Waits for the device.
    private double[] Read(nint from, long count)
    {
        var values = new double[count];
        _operand.Context.Download(from, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private void Copy(nint from, nint to) => _operand.Context.Stream.Copy(from, to, (long)_d * _b * sizeof(double));

    private void Product(nint from, nint to)
    {
        _kernels.Multiply(_operand.Gram, from, to, _d, _d, _b, _scale);
        Products++;
    }

    // Twice: the first pass leaves an error of the square of the condition, the second none.
    private void Orthonormalise()
    {
        _operand.Context.Stream.Fill(_info, 0, sizeof(double));
        for (var pass = 0; pass < 2; pass++)
        {
            _kernels.Inner(_q, _q, _h, _d, _b);
            _kernels.Cholesky(_h, _b, _pivot, _info);
            _kernels.Solve(_h, _q, _d, _b);
        }
    }

    // The convergence is linear: from the fall of the last rounds follows how many more it takes.
    private bool Hopeless(Round round)
    {
        const int window = 2;
        if (round.Products >= _options.MaxIterations)
            return true;
        if (_residuals.Count < ForecastAfter || !_options.FallBack)
            return false;
        var fall = Math.Log(_residuals[^(window + 1)] / _residuals[^1]) / window;
        var needed = Math.Log(_residuals[^1] / round.Target);
        return !(fall * (_options.MaxIterations - round.Products) * _residuals.Count / round.Products >= needed);
    }

    private Spectrum Result(double[] columns, Round round, bool converged)
    {
        // The next value tells the gap; it is not one of the k converged pairs.
        var known = Array.ConvertAll(round.Values[..Math.Min(_k + 1, _b)], value => Math.ScaleB(value, -_exponent));
        return new Spectrum
        {
            SingularValues = GramEigenSolver.SingularValues(known),
            Complete = false,
            Vectors = CudaBasis.FromColumns(columns, _b, _d, _k),
            Columns = _k,
            Residual = _residuals[^1],
            Iterations = round.Products,
            Solver = $"subspace-iteration on {_operand.Context}",
            Notes = converged ? [] : [$"not converged: residual {_residuals[^1]:E1}"],
        };
    }

    // The Ritz values of a round, what its residual must reach, and how many products led to it.
    private sealed record Round(double[] Values, double Target, int Products);
}
