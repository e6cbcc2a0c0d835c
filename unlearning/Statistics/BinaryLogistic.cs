namespace EscNative.Unlearning.Statistics;

/// <summary>
/// Logistic regression of two classes on raw features, as scikit-learn defines it:
/// penalty / 2 |w|² + sum_i s_i log(1 + exp(-y_i (w x_i + b))), with C = 1 / penalty and an intercept that is not penalised.
/// </summary>
/// <remarks>
/// Solved by Newton's method to rounding. Scikit-learn's lbfgs stops at its tolerance of 1e-4, which moves its coefficients by
/// up to some thousandths; at a tight tolerance both agree.
/// Not a case of <see cref="LogisticRegression"/>, which standardises, weighs by means instead of sums and stops at a tolerance: the
/// attacks that use this one are published with scikit-learn's values, and a few columns make Newton's method the cheaper one.
/// </remarks>
internal sealed class BinaryLogistic
{
    private const int MaxIterations = 200;
    private const double Tolerance = 1e-10;
    private const double SmallestStep = 1e-12;

    private readonly double[] _x;
    private readonly bool[] _positive;
    private readonly double[] _weights;
    private readonly double _penalty;

    private BinaryLogistic(double[] x, int width, bool[] positive, double[] weights, double penalty)
    {
        _x = x;
        _positive = positive;
        _weights = weights;
        _penalty = penalty;
        Coefficients = new double[width];
    }

    /// <summary>w, [width].</summary>
    public double[] Coefficients { get; }

    /// <summary>b.</summary>
    public double Intercept { get; private set; }

    private int Width => Coefficients.Length;

    /// <summary>Fits.</summary>
    /// <param name="x">[n, width], row-major.</param>
    /// <param name="width">Columns.</param>
    /// <param name="positive">[n], the classes; both must occur.</param>
    /// <param name="penalty">Of the weights; 1 is scikit-learn's default. Its multinomial form of two classes spreads w over two
    /// opposite rows, which halves the penalty.</param>
    /// <param name="balanced">Whether a row weighs n / (2 rows of its class), else 1.</param>
    public static BinaryLogistic Fit(double[] x, int width, bool[] positive, double penalty = 1, bool balanced = false)
    {
        var positives = positive.Count(p => p);
        if (positives == 0 || positives == positive.Length)
            throw Guard.Bad($"logistic regression: got {positives} rows of one class and {positive.Length - positives} of the other, wants both");
        var weights = Array.ConvertAll(
            positive, p => balanced ? positive.Length / (2.0 * (p ? positives : positive.Length - positives)) : 1);
        var fit = new BinaryLogistic(x, width, positive, weights, penalty);
        fit.Run();
        return fit;
    }

    /// <summary>w x + b: above 0 for the positive class.</summary>
    public double Decision(ReadOnlySpan<double> row)
    {
        var sum = Intercept;
        for (var j = 0; j < Width; j++)
            sum += Coefficients[j] * row[j];
        return sum;
    }

    private void Run()
    {
        var side = Width + 1;
        var (gradient, hessian, step) = (new double[side], new double[side * side], new double[side]);
        var value = Derivatives(gradient, hessian);
        for (var iteration = 0; iteration < MaxIterations; iteration++)
        {
            if (gradient.Max(Math.Abs) <= Tolerance * _positive.Length)
                return;
            gradient.CopyTo(step, 0);
            Solve(hessian, side, step);
            var slope = Lbfgs.Dot(gradient, step);
            // Far from the optimum a whole step may overshoot: halve it until the value falls as a Newton step promises.
            var (old, length) = ((double[])[.. Coefficients, Intercept], 1.0);
            for (; ; length /= 2)
            {
                Move(old, step, length);
                if (Value() <= value - (1e-4 * length * slope))
                    break;
                if (length < SmallestStep)
                {
                    // Rounding hides any further descent.
                    Move(old, step, 0);
                    return;
                }
            }

            value = Derivatives(gradient, hessian);
        }
    }

    private void Move(double[] from, double[] step, double length)
    {
        for (var j = 0; j < Width; j++)
            Coefficients[j] = from[j] - (length * step[j]);
        Intercept = from[Width] - (length * step[Width]);
    }

    private double Value()
    {
        var sum = _penalty / 2 * Lbfgs.Dot(Coefficients, Coefficients);
        for (var row = 0; row < _positive.Length; row++)
            sum += _weights[row] * Softplus(_positive[row] ? -Decision(Row(row)) : Decision(Row(row)));
        return sum;
    }

    private double Derivatives(double[] gradient, double[] hessian)
    {
        Array.Clear(gradient);
        Array.Clear(hessian);
        var side = Width + 1;
        for (var row = 0; row < _positive.Length; row++)
        {
            var x = Row(row);
            var p = 1 / (1 + Math.Exp(-Decision(x)));
            var error = _weights[row] * (p - (_positive[row] ? 1 : 0));
            var curvature = _weights[row] * p * (1 - p);
            for (var i = 0; i < side; i++)
            {
                var a = i < Width ? x[i] : 1;
                gradient[i] += error * a;
                for (var j = 0; j <= i; j++)
                    hessian[(i * side) + j] += curvature * a * (j < Width ? x[j] : 1);
            }
        }

        for (var i = 0; i < side; i++)
        {
            if (i < Width)
            {
                gradient[i] += _penalty * Coefficients[i];
                hessian[(i * side) + i] += _penalty;
            }

            for (var j = 0; j < i; j++)
                hessian[(j * side) + i] = hessian[(i * side) + j];
        }

        return Value();
    }

    // A ridge that grows until rounding, or rows that are all certain, no longer make the block indefinite.
    private static void Solve(double[] hessian, int side, double[] vector)
    {
        var trace = 0.0;
        for (var i = 0; i < side; i++)
            trace += hessian[(i * side) + i];
        if (!double.IsFinite(trace))
            throw Guard.Bad("logistic regression: got values that are not finite, wants numbers");
        for (var ridge = 0.0; ; ridge = Math.Max(10 * ridge, (1e-15 * trace) + 1e-300))
        {
            var factor = (double[])hessian.Clone();
            for (var i = 0; i < side; i++)
                factor[(i * side) + i] += ridge;
            if (!Cholesky.Factor(factor, side))
                continue;
            Cholesky.Solve(factor, side, vector);
            return;
        }
    }

    private ReadOnlySpan<double> Row(int row) => _x.AsSpan(row * Width, Width);

    // log(1 + exp(z)) without overflow.
    private static double Softplus(double z) => Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z)));
}
