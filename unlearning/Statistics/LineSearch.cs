namespace EscNative.Unlearning.Statistics;

/// <summary>Finds a step along a direction that satisfies the strong Wolfe conditions.</summary>
internal sealed class LineSearch(IObjective objective)
{
    private const double Decrease = 1e-4;
    private const double Curvature = 0.9;
    private const int MaxEvaluations = 40;

    private double[] _start = [];
    private double[] _direction = [];
    private double _startValue;
    private double _startSlope;
    private double _noise;

    /// <summary>The point reached.</summary>
    public double[] Point { get; } = new double[objective.Length];

    /// <summary>The gradient there.</summary>
    public double[] Gradient { get; } = new double[objective.Length];

    /// <summary>The value there.</summary>
    public double Value { get; private set; }

    /// <summary>How often the last search computed the function.</summary>
    public int Evaluations { get; private set; }

    /// <summary>Searches along a direction.</summary>
    /// <param name="start">Where the search starts.</param>
    /// <param name="value">The value there.</param>
    /// <param name="gradient">The gradient there.</param>
    /// <param name="direction">Where to, and how far the first try goes.</param>
    /// <returns>False if the function cannot be made smaller in this direction.</returns>
    public bool Find(double[] start, double value, double[] gradient, double[] direction)
    {
        (_start, _direction) = (start, direction);
        (_startValue, _startSlope) = (value, Lbfgs.Dot(gradient, direction));
        // Near the minimum the function changes by less than it can be computed; there its slope alone decides.
        _noise = 1e-15 * (1 + Math.Abs(value));
        Evaluations = 0;
        if (!(_startSlope < 0))
            return false;
        var last = new Trial(0, value, _startSlope);
        var step = 1.0;
        while (Evaluations < MaxEvaluations)
        {
            var trial = Try(step);
            if (!double.IsFinite(trial.Value))
            {
                step = (last.Step + step) / 2;
                continue;
            }

            if (TooHigh(trial) || (last.Step > 0 && trial.Value >= last.Value + _noise))
                return Zoom(last, trial);
            if (Flat(trial))
                return true;
            if (trial.Slope >= 0)
                return Zoom(trial, last);
            last = trial;
            step *= 2.5;
        }

        return false;
    }

    // Between the ends lies a step to accept; low is the better one, and its slope points towards high.
    private bool Zoom(Trial low, Trial high)
    {
        while (Evaluations < MaxEvaluations)
        {
            var trial = Try(Between(low, high));
            if (TooHigh(trial) || trial.Value >= low.Value + _noise)
            {
                high = trial;
                continue;
            }

            if (Flat(trial))
                return true;
            if (trial.Slope * (high.Step - low.Step) >= 0)
                high = low;
            low = trial;
        }

        // Some decrease is still progress.
        return low.Step > 0 && low.Value < _startValue && Try(low.Step).Value < _startValue;
    }

    private bool TooHigh(Trial t) => t.Value > _startValue + (Decrease * t.Step * _startSlope) + _noise;

    private bool Flat(Trial t) => Math.Abs(t.Slope) <= -Curvature * _startSlope;

    private Trial Try(double step)
    {
        for (var i = 0; i < Point.Length; i++)
            Point[i] = _start[i] + (step * _direction[i]);
        Value = objective.Evaluate(Point, Gradient);
        Evaluations++;
        return new Trial(step, Value, Lbfgs.Dot(Gradient, _direction));
    }

    /// <summary>The minimum of the cubic through both ends, kept away from them.</summary>
    private static double Between(Trial a, Trial b)
    {
        var d1 = a.Slope + b.Slope - (3 * (a.Value - b.Value) / (a.Step - b.Step));
        var d2 = Math.Sign(b.Step - a.Step) * Math.Sqrt((d1 * d1) - (a.Slope * b.Slope));
        var cubic = b.Step - ((b.Step - a.Step) * (b.Slope + d2 - d1) / (b.Slope - a.Slope + (2 * d2)));
        var (left, right) = (Math.Min(a.Step, b.Step), Math.Max(a.Step, b.Step));
        var margin = 0.1 * (right - left);
        return double.IsFinite(cubic) ? Math.Clamp(cubic, left + margin, right - margin) : (left + right) / 2;
    }

    private readonly record struct Trial(double Step, double Value, double Slope);
}
