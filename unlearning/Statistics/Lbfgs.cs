namespace EscNative.Unlearning.Statistics;

/// <summary>
/// Limited-memory BFGS: two-loop recursion and a line search to the strong Wolfe conditions (Nocedal and Wright, Numerical
/// Optimization, algorithms 7.4, 3.5 and 3.6), where the function's own approximate curvature at the start takes the place of
/// the identity. The same input gives the same bits.
/// </summary>
internal sealed class Lbfgs
{
    private readonly IObjective _objective;
    private readonly int _history;
    private readonly double[] _point;
    private readonly double[] _gradient;
    private readonly double[] _direction;
    private readonly double[] _solved;
    private readonly List<(double[] Step, double[] Change, double Inverse)> _pairs = [];
    private readonly LineSearch _search;

    private Lbfgs(IObjective objective, double[] point, int history)
    {
        _objective = objective;
        _history = history;
        _point = point;
        _gradient = new double[point.Length];
        _direction = new double[point.Length];
        _solved = new double[point.Length];
        _search = new LineSearch(objective);
    }

    /// <summary>Minimises, starting from <paramref name="point"/>, which becomes the best point found.</summary>
    /// <param name="objective">The function.</param>
    /// <param name="point">[Length]; start and result.</param>
    /// <param name="tolerance">Stops when the gradient's norm is below.</param>
    /// <param name="maxIterations">Stops after so many steps.</param>
    /// <param name="onIteration">Told the number of steps so far.</param>
    /// <param name="history">How many steps the curvature is taken from.</param>
    /// <param name="cancel">Cancels between steps; the point is then the last one reached.</param>
    public static LbfgsResult Minimise(
        IObjective objective, double[] point, double tolerance, int maxIterations, Action<int>? onIteration = null, int history = 10,
        CancellationToken cancel = default) =>
        new Lbfgs(objective, point, history).Run(tolerance, maxIterations, onIteration, cancel);

    internal static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private LbfgsResult Run(double tolerance, int maxIterations, Action<int>? onIteration, CancellationToken cancel)
    {
        _objective.UpdateCurvature(_point);
        var value = _objective.Evaluate(_point, _gradient);
        var evaluations = 1;
        var iteration = 0;
        for (; iteration < maxIterations && Norm() >= tolerance; iteration++)
        {
            cancel.ThrowIfCancellationRequested();
            SetDirection();
            var found = _search.Find(_point, value, _gradient, _direction);
            evaluations += _search.Evaluations;
            if (!found)
            {
                if (_pairs.Count == 0)
                    break;
                // The curvature has gone stale: once more from the plain gradient.
                _pairs.Clear();
                continue;
            }

            Remember(_search.Point, _search.Gradient);
            _search.Point.CopyTo(_point, 0);
            _search.Gradient.CopyTo(_gradient, 0);
            value = _search.Value;
            onIteration?.Invoke(iteration + 1);
        }

        return new LbfgsResult(value, Norm(), iteration, evaluations, Norm() < tolerance);
    }

    private double Norm() => Math.Sqrt(Dot(_gradient, _gradient));

    private void SetDirection()
    {
        for (var i = 0; i < _direction.Length; i++)
            _direction[i] = -_gradient[i];
        Span<double> alpha = stackalloc double[_pairs.Count];
        for (var p = _pairs.Count - 1; p >= 0; p--)
        {
            alpha[p] = _pairs[p].Inverse * Dot(_pairs[p].Step, _direction);
            AddScaled(_direction, -alpha[p], _pairs[p].Change);
        }

        _objective.SolveCurvature(_direction);
        var scale = CurvatureScale();
        for (var i = 0; i < _direction.Length; i++)
            _direction[i] *= scale;
        for (var p = 0; p < _pairs.Count; p++)
            AddScaled(_direction, alpha[p] - (_pairs[p].Inverse * Dot(_pairs[p].Change, _direction)), _pairs[p].Step);
    }

    /// <summary>The factor that makes the objective's approximate curvature agree with the last step.</summary>
    private double CurvatureScale()
    {
        if (_pairs.Count == 0)
            return 1;
        var (_, change, inverse) = _pairs[^1];
        change.CopyTo(_solved, 0);
        _objective.SolveCurvature(_solved);
        return 1 / (inverse * Dot(change, _solved));
    }

    private void Remember(double[] point, double[] gradient)
    {
        var full = _pairs.Count == _history;
        var (step, change) = full ? (_pairs[0].Step, _pairs[0].Change) : (new double[point.Length], new double[point.Length]);
        for (var i = 0; i < point.Length; i++)
        {
            step[i] = point[i] - _point[i];
            change[i] = gradient[i] - _gradient[i];
        }

        if (full)
            _pairs.RemoveAt(0);
        // The Wolfe conditions make this positive, but for rounding.
        var curvature = Dot(step, change);
        if (curvature > 0)
            _pairs.Add((step, change, 1 / curvature));
    }

    private static void AddScaled(double[] target, double factor, double[] source)
    {
        for (var i = 0; i < target.Length; i++)
            target[i] += factor * source[i];
    }
}

/// <summary>Where a minimisation stopped.</summary>
/// <param name="Value">The function's value there.</param>
/// <param name="GradientNorm">The Euclidean norm of the gradient there.</param>
/// <param name="Iterations">Steps taken.</param>
/// <param name="Evaluations">How often the function was computed.</param>
/// <param name="Converged">Whether the gradient norm is below the tolerance.</param>
internal readonly record struct LbfgsResult(double Value, double GradientNorm, int Iterations, int Evaluations, bool Converged);
