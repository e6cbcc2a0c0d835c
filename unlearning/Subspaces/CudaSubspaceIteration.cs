using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Kernels.Cuda;

namespace EscNative.Unlearning.Subspaces;

/// <summary>
/// The k leading eigenpairs of a Gram matrix on a GPU by block subspace iteration with Rayleigh-Ritz: products with G and
/// orthogonalisation (CholeskyQR twice) on the device; the small eigenproblem comes to the host.
/// </summary>
/// <remarks>
/// Accepted as <see cref="SubspaceIteration"/> accepts: when |G x - lambda x| / lambda_1 of every wanted pair is at most the tolerance.
/// Between two orthogonalisations lie two products. Where their condition is too bad for a Cholesky factor, that step is done again
/// with one, as all later ones are; if that fails too, the block has lost its rank and the whole matrix must be decomposed.
/// </remarks>
internal sealed class CudaSubspaceIteration
{
    // The whole block is a multiple of this: full tiles of the kernels.
    private const int BlockUnit = 16;
    private const int Oversampling = 16;

    // After this many rounds the rate is known well enough to tell whether the rest is worth its time.
    private const int ForecastAfter = 4;

    private readonly CudaOperand _operand;
    private readonly SubspaceKernels _kernels;
    private readonly SubspaceIterationOptions _options;
    private readonly int _d;
    private readonly int _k;
    private readonly int _b;
    private readonly int _exponent;
    private readonly double _scale;
    private readonly double _tolerance;

    /// <param name="operand">Where G lies; receives the working memory.</param>
    /// <param name="k">Directions, 1 or more.</param>
    /// <param name="trace">The trace of G, above 0.</param>
    /// <param name="options">Tolerance, oversampling, and the number of products.</param>
    public CudaSubspaceIteration(CudaOperand operand, int k, double trace, SubspaceIterationOptions options)
    {
        (_operand, _kernels, _options, _d, _k) = (operand, operand.Kernels, options, operand.Dimension, k);
        var block = options.Oversampling is { } given ? k + (long)given : (k + Oversampling + BlockUnit - 1) / BlockUnit * BlockUnit;
        _b = (int)Math.Min(_d, block);
        // G is taken times a power of two, so that squares of squares neither overflow nor vanish.
        _exponent = -Math.ILogB(trace);
        _scale = Math.ScaleB(1, Math.Clamp(_exponent, -1020, 1020));
        _exponent = Math.ILogB(_scale);
        // Below this share a pivot is rounding: the sum of squares of a column is known to about b 2^-52 of it.
        _tolerance = _b * Math.ScaleB(1, -47);
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

        long size = (long)_d * _b;
        nint q = _operand.Room<double>(size), y = _operand.Room<double>(size), gx = _operand.Room<double>(size);
        var x = _operand.Hold<double>(size);
        var h = _operand.Hold<double>((long)_b * _b);
        var values = _operand.Hold<double>(_b);
        var squares = _operand.Hold<double>(_b);
        var info = _operand.Hold<int>(1);
        var residuals = new List<double>();

        _kernels.Start(q, _d, _b);
        var twice = true;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            Orthonormalise(q, h.Pointer, info);
            Product(q, y);
            _kernels.Inner(q, y, h.Pointer, _d, _b);
            if (info.ToHost()[0] != 0)
            {
                if (!twice || residuals.Count == 0)
                {
                    Failure = "the block of directions lost its rank: the matrix has fewer directions than that, or too steep a spectrum";
                    return null;
                }

                // gx still holds the last orthonormal block times G.
                _operand.Context.Stream.Copy(gx, q, size * sizeof(double));
                twice = false;
                continue;
            }

            var pairs = SymmetricEigen.Decompose(h.ToHost(), _b);
            h.CopyToDevice(pairs.Vectors);
            values.CopyToDevice(pairs.Values);
            _kernels.Multiply(q, h.Pointer, x.Pointer, _d, _b, _b);
            _kernels.Multiply(y, h.Pointer, gx, _d, _b, _b);
            _kernels.Residual(x.Pointer, gx, values.Pointer, squares.Pointer, _d, _b);
            var residual = Math.Sqrt(squares.ToHost().Take(_k).Max()) / pairs.Values[0];
            residuals.Add(residual);
            if (residual <= _options.Tolerance)
                return Result(x.ToHost(), pairs.Values, residual, true);
            if (Hopeless(residuals))
            {
                if (!_options.FallBack)
                    return Result(x.ToHost(), pairs.Values, residual, false);
                Failure = $"subspace iteration stood at residual {residual:E1} after {Products} products and would not reach {_options.Tolerance:E0} within {_options.MaxIterations}";
                return null;
            }

            if (twice)
                Product(gx, q);
            else
                _operand.Context.Stream.Copy(gx, q, size * sizeof(double));
        }
    }

    private void Product(nint from, nint to)
    {
        _kernels.Multiply(_operand.Gram, from, to, _d, _d, _b, _scale);
        Products++;
    }

    // Twice: the first pass leaves an error of the square of the condition, the second none.
    private void Orthonormalise(nint q, nint h, CudaDeviceVariable<int> info)
    {
        info.Fill(0);
        for (var pass = 0; pass < 2; pass++)
        {
            _kernels.Inner(q, q, h, _d, _b);
            _kernels.Cholesky(h, _b, _tolerance, info.Pointer);
            _kernels.Solve(h, q, _d, _b);
        }
    }

    // The convergence is linear: from the fall of the last rounds follows how many more it takes.
    private bool Hopeless(List<double> residuals)
    {
        const int window = 2;
        if (Products >= _options.MaxIterations)
            return true;
        if (residuals.Count < ForecastAfter || !_options.FallBack)
            return false;
        var fall = Math.Log(residuals[^(window + 1)] / residuals[^1]) / window;
        var needed = Math.Log(residuals[^1] / _options.Tolerance);
        return !(fall * (_options.MaxIterations - Products) * residuals.Count / Products >= needed);
    }

    private Spectrum Result(double[] columns, double[] values, double residual, bool converged)
    {
        // The next value tells the gap; it is not one of the k converged pairs.
        var known = Array.ConvertAll(values[..Math.Min(_k + 1, _b)], value => Math.ScaleB(value, -_exponent));
        return new Spectrum
        {
            SingularValues = GramEigenSolver.SingularValues(known),
            Complete = false,
            Vectors = CudaBasis.FromColumns(columns, _b, _d, _k),
            Columns = _k,
            Residual = residual,
            Iterations = Products,
            Solver = $"subspace-iteration on {_operand.Context}",
            Notes = converged ? [] : [$"not converged: residual {residual:E1}"],
        };
    }
}
