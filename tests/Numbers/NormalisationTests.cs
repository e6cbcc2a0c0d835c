using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;

namespace EscNative.Tests.Numbers;

/// <summary>Normalisation where a mean is large against the deviation, where nothing deviates, and where squares leave the range of float32.</summary>
public sealed class NormalisationTests
{
    public static TheoryData<string> Devices => NumberDevices.Both;

    public static TheoryData<string, double, double, double> Scales()
    {
        var cases = new TheoryData<string, double, double, double>();
        foreach (var device in (string[])["cpu", "cuda"])
        {
            // Mean, deviation, eps.
            cases.Add(device, 0, 1, 1e-5);
            cases.Add(device, 54321.1, 1, 1e-5);
            cases.Add(device, -1e6, 3, 1e-5);
            cases.Add(device, 3e4, 0.02, 1e-12);
            cases.Add(device, 0, 1e30, 1e-5);
            cases.Add(device, 1e30, 1e29, 1e-5);
            cases.Add(device, 0, 1e19, 0);
            cases.Add(device, 0, 1e-30, 0);
            cases.Add(device, 1e-25, 1e-27, 0);
            cases.Add(device, 0, 1e-15, 1e-30);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Equal_values_of_a_row_deviate_by_nothing(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var d in (int[])[1, 7, 96, 1000, 1003, 5000])
        {
            foreach (var value in (double[])[54321.1, 0.1, -1e30, 3.3e-30, 12345.678])
            {
                foreach (var type in (DType[])[DType.F32, DType.F64])
                {
                    var y = Tensor.Full((3, d), value, type, device).LayerNorm(Tensor.Ones(d, type, device), Tensor.Zeros(d, type, device));
                    Assert.All(y.Wide(), v => Assert.Equal(0, v));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Equal_values_of_a_column_deviate_by_nothing(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var (rows, c) in ((int, int)[])[(2, 1), (4096, 3), (300, 33), (1003, 70), (40_000, 5)])
        {
            foreach (var type in (DType[])[DType.F32, DType.F64])
            {
                var (y, mean, variance) = Tensor.Full((rows, c), 12345.678, type, device).BatchNorm(Tensor.Ones(c, type, device), Tensor.Zeros(c, type, device), 1e-5);
                Assert.All(y.Wide(), v => Assert.Equal(0, v));
                Assert.All(mean.Wide(), v => Assert.Equal(type == DType.F32 ? (float)12345.678 : 12345.678, v));
                Assert.All(variance.Wide(), v => Assert.Equal(0, v));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Scales))]
    public void Rows_are_normalised_at_every_scale(string name, double mean, double deviation, double eps)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var d in (int[])[5, 33, 768])
        {
            var (x, dy) = (Random(4 * d, mean, deviation, 1), Random(4 * d, 0, 1, 2));
            var (gamma, beta) = (Random(d, 1, 0.2, 3), Random(d, 0, 0.2, 4));
            var px = Tensor.From(x, (4, d), device).RequireGradient();
            var pg = Tensor.From(gamma, d, device).RequireGradient();
            var pb = Tensor.From(beta, d, device).RequireGradient();
            var y = px.LayerNorm(pg, pb, eps);
            using var gradients = y.Backward(Tensor.From(dy, (4, d), device));
            var oracle = new Oracle(x, dy, gamma, beta, eps, rows: 4, d, alongRows: true);
            oracle.Check(y, gradients[px], gradients[pg], gradients[pb], $"[4, {d}]");
        }
    }

    [Theory]
    [MemberData(nameof(Scales))]
    public void Columns_are_normalised_at_every_scale(string name, double mean, double deviation, double eps)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var (rows, c) in ((int, int)[])[(6, 3), (700, 33), (20_000, 2)])
        {
            var (x, dy) = (Random(rows * c, mean, deviation, 1), Random(rows * c, 0, 1, 2));
            var (gamma, beta) = (Random(c, 1, 0.2, 3), Random(c, 0, 0.2, 4));
            var px = Tensor.From(x, (rows, c), device).RequireGradient();
            var pg = Tensor.From(gamma, c, device).RequireGradient();
            var pb = Tensor.From(beta, c, device).RequireGradient();
            var (y, _, _) = px.BatchNorm(pg, pb, eps);
            using var gradients = y.Backward(Tensor.From(dy, (rows, c), device));
            var oracle = new Oracle(x, dy, gamma, beta, eps, rows, c, alongRows: false);
            oracle.Check(y, gradients[px], gradients[pg], gradients[pb], $"[{rows}, {c}]");
        }
    }

    // Two values may be farther apart than the largest number that float32 has, and the deviations of many add up to more.
    [Theory]
    [MemberData(nameof(Devices))]
    public void Values_near_the_end_of_float32_are_normalised(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var (rows, d) in ((int, int)[])[(3, 6), (2, 300), (1, 4096), (2, 20_000)])
        {
            foreach (var small in (double[])[1, 1e-8])
            {
                // Pairs of opposite values, the first of them the largest.
                var random = new Random(11);
                var x = new float[rows * d];
                for (var i = 0; i < x.Length; i += 2)
                {
                    x[i] = (float)(i % d == 0 ? -3.3e38 : 3.3e38 * small * random.NextDouble());
                    x[i + 1] = -x[i];
                }

                float[] gamma = [.. Enumerable.Repeat(1f, d)], beta = new float[d], dy = Random(x.Length, 0, 1, 12);
                var px = Tensor.From(x, (rows, d), device).RequireGradient();
                var y = px.LayerNorm(Tensor.From(gamma, d, device), Tensor.From(beta, d, device));
                using var gradients = y.Backward(Tensor.From(dy, (rows, d), device));
                new Oracle(x, dy, gamma, beta, 1e-5, rows, d, alongRows: true).Check(y, gradients[px], null, null, $"row of {d}, {small}");

                var columns = new float[x.Length];
                for (var i = 0; i < x.Length; i++)
                    columns[(i % d * rows) + (i / d)] = x[i];
                (gamma, beta) = ([.. Enumerable.Repeat(1f, rows)], new float[rows]);
                px = Tensor.From(columns, (d, rows), device).RequireGradient();
                (y, _, _) = px.BatchNorm(Tensor.From(gamma, rows, device), Tensor.From(beta, rows, device), 1e-5);
                using var back = y.Backward(Tensor.From(dy, (d, rows), device));
                new Oracle(columns, dy, gamma, beta, 1e-5, d, rows, alongRows: false).Check(y, back[px], null, null, $"column of {d}, {small}");
            }
        }
    }

    // The mean is half of the range, and a value lies beyond half of it on the other side: their difference leaves it.
    [Theory]
    [MemberData(nameof(Devices))]
    public void A_difference_from_the_mean_may_leave_the_range_of_float32(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var d in (int[])[4, 300, 4096])
        {
            var x = new float[2 * d];
            for (var i = 0; i < x.Length; i++)
                x[i] = (i % 4 == 3) == (i < d) ? -3e38f : 3e38f;
            float[] gamma = [.. Enumerable.Repeat(1f, d)], beta = new float[d], dy = Random(x.Length, 0, 1, 12);
            var px = Tensor.From(x, (2, d), device).RequireGradient();
            var y = px.LayerNorm(Tensor.From(gamma, d, device), Tensor.From(beta, d, device));
            using var gradients = y.Backward(Tensor.From(dy, (2, d), device));
            new Oracle(x, dy, gamma, beta, 1e-5, 2, d, alongRows: true).Check(y, gradients[px], null, null, $"row of {d}");

            var columns = new float[x.Length];
            for (var i = 0; i < x.Length; i++)
                columns[(i % d * 2) + (i / d)] = x[i];
            (gamma, beta) = ([1, 1], [0, 0]);
            px = Tensor.From(columns, (d, 2), device).RequireGradient();
            (y, _, _) = px.BatchNorm(Tensor.From(gamma, 2, device), Tensor.From(beta, 2, device), 1e-5);
            using var back = y.Backward(Tensor.From(dy, (d, 2), device));
            new Oracle(columns, dy, gamma, beta, 1e-5, d, 2, alongRows: false).Check(y, back[px], null, null, $"column of {d}");
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_column_at_the_end_of_float32_costs_the_others_no_digits(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        const int Rows = 301, C = 19;
        float[] x = Random(Rows * C, 0.3, 0.01, 21), dy = Random(Rows * C, 0, 1, 22), gamma = Random(C, 1, 0.2, 23), beta = Random(C, 0, 0.2, 24);
        var others = Enumerable.Range(0, x.Length).Where(i => i % C != 4).ToArray();
        var before = Gradients();
        for (var row = 0; row < Rows; row++)
            x[(row * C) + 4] = row % 3 == 0 ? -3e38f : 3e38f;
        var after = Gradients();
        Assert.All(after[0].Concat(after[1]), v => Assert.True(float.IsFinite(v)));
        Assert.All(others, i => Assert.Equal(before[0][i], after[0][i], 1e-5f));
        Assert.All(others, i => Assert.Equal(before[1][i], after[1][i], 2e-3f));

        float[][] Gradients()
        {
            var px = Tensor.From(x, (Rows, C), device).RequireGradient();
            var (y, _, _) = px.BatchNorm(Tensor.From(gamma, C, device), Tensor.From(beta, C, device), 1e-8);
            using var back = y.Backward(Tensor.From(dy, (Rows, C), device));
            return [y.ToArray(), back[px].ToArray()];
        }
    }

    // The first value of a row or column may be the one that lies far off.
    [Theory]
    [MemberData(nameof(Devices))]
    public void A_first_value_far_off_costs_no_digits(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        const int Rows = 3, D = 4096;
        var x = Random(Rows * D, 0, 1, 5);
        for (var row = 0; row < Rows; row++)
            x[row * D] = 1e4f;
        float[] gamma = [.. Enumerable.Repeat(1f, D)], beta = new float[D];
        var y = Tensor.From(x, (Rows, D), device).LayerNorm(Tensor.From(gamma, D, device), Tensor.From(beta, D, device));
        new Oracle(x, new float[x.Length], gamma, beta, 1e-5, Rows, D, alongRows: true).Check(y, null, null, null, "rows");

        var columns = new float[x.Length];
        for (var i = 0; i < x.Length; i++)
            columns[(i % D * Rows) + (i / D)] = x[i];
        (gamma, beta) = ([1, 1, 1], [0, 0, 0]);
        var (z, _, _) = Tensor.From(columns, (D, Rows), device).BatchNorm(Tensor.From(gamma, Rows, device), Tensor.From(beta, Rows, device), 1e-5);
        new Oracle(columns, new float[x.Length], gamma, beta, 1e-5, D, Rows, alongRows: false).Check(z, null, null, null, "columns");
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_plan_normalises_as_the_operation_does(string name)
    {
        var device = NumberDevices.Get(name);
        const int D = 96;
        using var norm = new LayerNorm(D, device: device);
        using var plan = InferencePlan.Compile(norm, (2, D), device);
        foreach (var (mean, deviation) in ((double, double)[])[(54321.1, 0), (54321.1, 0.5), (0, 1e30)])
        {
            using var scope = Tensor.Scope();
            var x = Random(2 * D, mean, deviation, 7);
            var y = new float[x.Length];
            plan.Run(x, y);
            Assert.Equal(norm.Forward(Tensor.From(x, (1, 2, D), device)).ToArray(), y);
        }
    }

    private static float[] Random(int n, double mean, double deviation, int seed)
    {
        var random = new Random(seed);
        var values = new float[n];
        for (var i = 0; i < n; i++)
            values[i] = (float)(mean + (deviation * Math.Sqrt(12) * (random.NextDouble() - 0.5)));
        return values;
    }

    /// <summary>The definition in float64, of the very float32 values.</summary>
    private sealed class Oracle
    {
        private readonly double[] _y, _dx, _dGamma, _dBeta;
        private readonly double _inverse;

        public Oracle(float[] x, float[] dy, float[] gamma, float[] beta, double eps, int rows, int columns, bool alongRows)
        {
            var (groups, size) = alongRows ? (rows, columns) : (columns, rows);
            int At(int group, int i) => alongRows ? (group * columns) + i : (i * columns) + group;
            (_y, _dx, _dGamma, _dBeta) = (new double[x.Length], new double[x.Length], new double[columns], new double[columns]);
            for (var g = 0; g < groups; g++)
            {
                double mean = 0, variance = 0, sum = 0, product = 0;
                for (var i = 0; i < size; i++)
                    mean += (x[At(g, i)] - (double)x[At(g, 0)]) / size;
                mean += x[At(g, 0)];
                for (var i = 0; i < size; i++)
                    variance += (x[At(g, i)] - mean) * (x[At(g, i)] - mean) / size;
                var inverse = 1 / Math.Sqrt(variance + eps);
                _inverse = Math.Max(_inverse, inverse);
                for (var i = 0; i < size; i++)
                {
                    var (at, column) = (At(g, i), alongRows ? i : g);
                    var h = (x[at] - mean) * inverse;
                    _y[at] = (h * gamma[column]) + beta[column];
                    _dGamma[column] += dy[at] * h;
                    _dBeta[column] += dy[at];
                    sum += gamma[column] * dy[at] / size;
                    product += gamma[column] * dy[at] * h / size;
                }

                for (var i = 0; i < size; i++)
                {
                    var (at, column) = (At(g, i), alongRows ? i : g);
                    _dx[at] = inverse * ((gamma[column] * dy[at]) - sum - ((x[at] - mean) * inverse * product));
                }
            }
        }

        // Some roundings of numbers of size 1 (2^-24 each), of sums of so many for the parameters.
        public void Check(Tensor y, Tensor? dx, Tensor? dGamma, Tensor? dBeta, string context)
        {
            Compare(_y, y, 1 + _y.Max(Math.Abs), context + ", y");
            if (dx is not null)
                Compare(_dx, dx, 4 * _inverse, context + ", dx");
            if (dGamma is null || dBeta is null)
                return;
            Compare(_dGamma, dGamma, 4 + _dGamma.Max(Math.Abs), context + ", dgamma");
            Compare(_dBeta, dBeta, 4 + _dBeta.Max(Math.Abs), context + ", dbeta");
        }

        private static void Compare(double[] wanted, Tensor got, double scale, string context)
        {
            var values = got.Wide();
            for (var i = 0; i < wanted.Length; i++)
                Assert.True(Math.Abs(wanted[i] - values[i]) <= 32 * scale * 6e-8, $"{context}, value {i}: got {values[i]:R}, wanted {wanted[i]:R}");
        }
    }
}
