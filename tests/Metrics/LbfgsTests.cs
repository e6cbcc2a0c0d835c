using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class LbfgsTests
{
    [Fact]
    public void Finds_the_minimum_of_a_curved_valley()
    {
        // Rosenbrock's function has no other stationary point than (1, 1).
        var valley = new Function(2, (x, g) =>
        {
            g[0] = (-400 * x[0] * (x[1] - (x[0] * x[0]))) - (2 * (1 - x[0]));
            g[1] = 200 * (x[1] - (x[0] * x[0]));
            return (100 * Math.Pow(x[1] - (x[0] * x[0]), 2)) + Math.Pow(1 - x[0], 2);
        });
        double[] point = [-1.2, 1];
        var result = Lbfgs.Minimise(valley, point, tolerance: 1e-9, maxIterations: 100);
        Assert.True(result.Converged);
        Assert.Equal(1, point[0], 1e-8);
        Assert.Equal(1, point[1], 1e-8);
        Assert.InRange(result.Evaluations, result.Iterations + 1, 3 * result.Iterations);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    public void Finds_the_minimum_of_an_ill_conditioned_bowl(int history)
    {
        const int n = 50;
        var bowl = new Function(n, (x, g) =>
        {
            var sum = 0.0;
            for (var i = 0; i < n; i++)
            {
                var curvature = Math.Pow(10, -4.0 * i / n);
                g[i] = curvature * (x[i] - i);
                sum += 0.5 * curvature * (x[i] - i) * (x[i] - i);
            }

            return sum;
        });
        var point = new double[n];
        var result = Lbfgs.Minimise(bowl, point, 1e-8, 2000, history: history);
        Assert.True(result.Converged);
        // |x - x*| <= |gradient| / smallest curvature.
        for (var i = 0; i < n; i++)
            Assert.Equal(i, point[i], 1e-8 / Math.Pow(10, -4.0 * (n - 1) / n));
    }

    [Fact]
    public void A_curvature_that_is_exact_needs_one_step()
    {
        var bowl = new Function(
            2, (x, g) =>
            {
                (g[0], g[1]) = (1e6 * (x[0] - 3), x[1] + 2);
                return (0.5e6 * Math.Pow(x[0] - 3, 2)) + (0.5 * Math.Pow(x[1] + 2, 2));
            },
            v => v[0] /= 1e6);
        double[] point = [0, 0];
        Assert.Equal(1, Lbfgs.Minimise(bowl, point, 1e-6, 10).Iterations);
        Assert.Equal(3, point[0], 1e-12);
    }

    [Fact]
    public void A_tolerance_that_rounding_forbids_ends_all_the_same()
    {
        var bowl = new Function(1, (x, g) =>
        {
            g[0] = Math.Sinh(x[0] - 0.1) + 1e-9;
            return Math.Cosh(x[0] - 0.1) + (1e-9 * x[0]);
        });
        double[] point = [2];
        var result = Lbfgs.Minimise(bowl, point, tolerance: 1e-300, maxIterations: 50);
        Assert.False(result.Converged && result.GradientNorm >= 1e-300);
        Assert.Equal(0.1, point[0], 1e-7);
        Assert.InRange(result.Iterations, 1, 50);
    }

    [Fact]
    public void Starts_again_from_where_the_function_is_finite()
    {
        // Steps beyond 1 give infinity; the search has to come back.
        var wall = new Function(1, (x, g) =>
        {
            g[0] = (1 / (1 - x[0])) - 10;
            return x[0] < 1 ? -Math.Log(1 - x[0]) - (10 * x[0]) : double.PositiveInfinity;
        });
        double[] point = [0];
        Assert.True(Lbfgs.Minimise(wall, point, 1e-8, 50).Converged);
        Assert.Equal(0.9, point[0], 1e-9);
    }

    [Fact]
    public void The_step_limit_and_a_cancellation_end_it()
    {
        var slope = new Function(1, (x, g) =>
        {
            g[0] = -Math.Exp(-x[0]);
            return Math.Exp(-x[0]);
        });
        double[] point = [0];
        var result = Lbfgs.Minimise(slope, point, 1e-12, maxIterations: 3);
        Assert.Equal((3, false), (result.Iterations, result.Converged));
        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(
            () => Lbfgs.Minimise(slope, [0], 1e-12, 100, i => cancel.Cancel(), cancel: cancel.Token));
    }

    private delegate double Evaluation(ReadOnlySpan<double> point, Span<double> gradient);

    private sealed class Function(int length, Evaluation evaluate, Action<double[]>? solve = null) : IObjective
    {
        public int Length => length;

        public double Evaluate(ReadOnlySpan<double> point, Span<double> gradient) => evaluate(point, gradient);

        public void UpdateCurvature(ReadOnlySpan<double> point)
        {
        }

        public void SolveCurvature(Span<double> vector)
        {
            var copy = vector.ToArray();
            solve?.Invoke(copy);
            copy.CopyTo(vector);
        }
    }
}
