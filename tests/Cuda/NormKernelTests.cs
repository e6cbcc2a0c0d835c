using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Batch and layer normalisation and their gradients against float64.</summary>
public sealed class NormKernelTests
{
    private const double Eps = 1e-5;

    // Few and many columns, several chunks of rows.
    private static readonly (int Rows, int Channels)[] Shapes = [(1, 1), (6, 3), (300, 5), (257, 33), (40, 64), (700, 40)];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Mean_and_variance_of_columns(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new BatchNormKernels(machine.Context);
        var random = new Random(61);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (rows, c) in Shapes)
            {
                // A mean that is 30 times the deviation: its square would cost three digits.
                foreach (var shift in (double[])[0, 30])
                {
                    var x = type.Round(DeviceValues.Random(random, rows * c, shift - 1, shift + 1));
                    var (px, pm, pv) = (machine.Upload(type, x), machine.Allocate(type.Wide(), c), machine.Allocate(type.Wide(), c));
                    kernels.Statistics(type, px, pm, pv, rows, c, machine.Allocate<byte>(BatchNormKernels.WorkspaceBytes(type, rows, c)));
                    var (mean, variance) = Statistics(x, c);
                    var context = $"[{rows}, {c}] about {shift}";
                    type.Wide().AssertClose(mean, machine.Download(type.Wide(), pm, c), 4, rows, context + ", mean", scale: 1 + shift);
                    type.Wide().AssertClose(variance, machine.Download(type.Wide(), pv, c), 8, rows, context + ", variance", scale: 1 + shift);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Normalised_and_rectified_and_the_gradients(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new BatchNormKernels(machine.Context);
        var random = new Random(62);
        foreach (var type in DeviceValues.Types)
        {
            var wide = type.Wide();
            foreach (var (rows, c) in Shapes)
            {
                var (x, dy) = (type.Round(DeviceValues.Random(random, rows * c)), type.Round(DeviceValues.Random(random, rows * c)));
                var (gamma, beta) = (wide.Round(DeviceValues.Random(random, c, 0.5, 1.5)), wide.Round(DeviceValues.Random(random, c)));
                var (mean, variance) = Statistics(x, c);
                (mean, variance) = (wide.Round(mean), wide.Round([.. variance.Select(v => v + 0.1)]));
                var (px, pdy, pm, pv) = (machine.Upload(type, x), machine.Upload(type, dy), machine.Upload(wide, mean), machine.Upload(wide, variance));
                var (pg, pb, py, pdx) = (machine.Upload(wide, gamma), machine.Upload(wide, beta), machine.Allocate(type, x.Length), machine.Allocate(type, x.Length));
                var (pdg, pdb) = (machine.Allocate(wide, c), machine.Allocate(wide, c));
                foreach (var (relu, own) in ((bool, bool)[])[(false, true), (true, true), (true, false)])
                {
                    var context = $"[{rows}, {c}], relu {relu}, own {own}";
                    var hat = x.Select((v, i) => (v - mean[i % c]) / Math.Sqrt(variance[i % c] + Eps)).ToArray();
                    var y = hat.Select((v, i) => (v * gamma[i % c]) + beta[i % c]).ToArray();
                    kernels.Normalise(type, px, pm, pv, pg, pb, Eps, relu, py, rows, c);
                    type.AssertClose([.. y.Select(v => relu ? Math.Max(v, 0) : v)], machine.Download(type, py, y.Length), 8, 1, context);

                    // A value that rounding could push over the edge of the ReLU has no sure gradient: none lies that near.
                    Assert.True(!relu || y.All(v => Math.Abs(v) > 1e-6) || type == DType.F64);
                    var d = dy.Select((g, i) => relu && y[i] <= 0 ? 0 : g).ToArray();
                    var (dGamma, dBeta) = (new double[c], new double[c]);
                    for (var i = 0; i < d.Length; i++)
                    {
                        dBeta[i % c] += d[i];
                        dGamma[i % c] += d[i] * hat[i];
                    }

                    var dx = d.Select((g, i) =>
                        gamma[i % c] / Math.Sqrt(variance[i % c] + Eps) * (own ? g - (dBeta[i % c] / rows) - (hat[i] * dGamma[i % c] / rows) : g)).ToArray();
                    kernels.Backward(
                        type, px, pdy, pm, pv, pg, pb, Eps, relu, own, pdx, pdg, pdb, rows, c,
                        machine.Allocate<byte>(BatchNormKernels.WorkspaceBytes(type, rows, c)));
                    var scale = hat.Max(Math.Abs) + 1;
                    wide.AssertClose(dBeta, machine.Download(wide, pdb, c), 4, rows, context + ", beta", scale: Math.Sqrt(rows));
                    wide.AssertClose(dGamma, machine.Download(wide, pdg, c), 4, rows, context + ", gamma", scale: Math.Sqrt(rows) * scale);
                    type.AssertClose(dx, machine.Download(type, pdx, dx.Length), 8, 1, context + ", dx", scale: 5 * scale);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Running_statistics_follow_the_batch(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new BatchNormKernels(machine.Context);
        var random = new Random(63);
        foreach (var type in (DType[])[DType.F32, DType.F64])
        {
            var values = Enumerable.Range(0, 4).Select(_ => type.Round(DeviceValues.Random(random, 1100))).ToArray();
            var p = values.Select(v => machine.Upload(type, v)).ToArray();
            kernels.Track(type, p[0], p[1], p[2], p[3], 0.1, 1.25, 1100);
            type.AssertClose([.. values[2].Zip(values[0], (r, b) => r + (0.1 * (b - r)))], machine.Download(type, p[2], 1100), 4, 1, "mean");
            type.AssertClose([.. values[3].Zip(values[1], (r, b) => r + (0.1 * ((1.25 * b) - r)))], machine.Download(type, p[3], 1100), 4, 1, "variance");
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Rows_are_normalised_and_the_gradients(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new LayerNormKernels(machine.Context, new BatchNormKernels(machine.Context));
        var random = new Random(64);
        foreach (var type in DeviceValues.Types)
        {
            var wide = type.Wide();
            foreach (var (rows, d) in ((int, int)[])[(1, 2), (3, 64), (9, 197), (130, 33), (2, 1024), (3, 1300)])
            {
                var (x, dy) = (type.Round(DeviceValues.Random(random, rows * d, 2, 4)), type.Round(DeviceValues.Random(random, rows * d)));
                var (gamma, beta) = (wide.Round(DeviceValues.Random(random, d, 0.5, 1.5)), wide.Round(DeviceValues.Random(random, d)));
                var (px, pdy, pg, pb) = (machine.Upload(type, x), machine.Upload(type, dy), machine.Upload(wide, gamma), machine.Upload(wide, beta));
                var (py, pm, pr) = (machine.Allocate(type, x.Length), machine.Allocate(wide, rows), machine.Allocate(wide, rows));
                kernels.Forward(type, px, pg, pb, Eps, py, pm, pr, rows, d);

                var (mean, variance) = Statistics(Transposed(x, rows, d), rows);
                var rstd = variance.Select(v => 1 / Math.Sqrt(v + Eps)).ToArray();
                var hat = x.Select((v, i) => (v - mean[i / d]) * rstd[i / d]).ToArray();
                var (context, scale) = ($"[{rows}, {d}]", hat.Max(Math.Abs) + 1);
                // The deviations lose what the mean costs, 4 times their size.
                type.AssertClose([.. hat.Select((v, i) => (v * gamma[i % d]) + beta[i % d])], machine.Download(type, py, x.Length), 16, d, context, scale: scale * rstd.Max());
                wide.AssertClose(mean, machine.Download(wide, pm, rows), 4, d, context + ", mean");
                wide.AssertClose(rstd, machine.Download(wide, pr, rows), 16, d, context + ", rstd", scale: rstd.Max(r => r * r));
                kernels.Forward(type, px, pg, pb, Eps, py, 0, 0, rows, d);

                // The gradients with the statistics as they are kept.
                (mean, rstd) = (wide.Round(mean), wide.Round(rstd));
                var (pm2, pr2, pdx, pdg, pdb) = (machine.Upload(wide, mean), machine.Upload(wide, rstd), machine.Allocate(type, x.Length), machine.Allocate(wide, d), machine.Allocate(wide, d));
                kernels.Backward(type, px, pdy, pg, pm2, pr2, pdx, pdg, pdb, rows, d, machine.Allocate<byte>(LayerNormKernels.WorkspaceBytes(type, rows, d)));
                var (dGamma, dBeta, dx) = (new double[d], new double[d], new double[x.Length]);
                for (var r = 0; r < rows; r++)
                {
                    var g = Enumerable.Range(0, d).Select(i => dy[(r * d) + i] * gamma[i]).ToArray();
                    var h = Enumerable.Range(0, d).Select(i => (x[(r * d) + i] - mean[r]) * rstd[r]).ToArray();
                    var (sum, product) = (g.Average(), g.Zip(h, (a, b) => a * b).Average());
                    for (var i = 0; i < d; i++)
                    {
                        dx[(r * d) + i] = rstd[r] * (g[i] - sum - (h[i] * product));
                        dBeta[i] += dy[(r * d) + i];
                        dGamma[i] += dy[(r * d) + i] * h[i];
                    }
                }

                // Of two values the gradient is nothing but what rounding leaves of these.
                var size = scale * rstd.Max();
                type.AssertClose(dx, machine.Download(type, pdx, dx.Length, size), 16, d, context + ", dx", scale: size);
                wide.AssertClose(dBeta, machine.Download(wide, pdb, d), 4, rows, context + ", beta", scale: Math.Sqrt(rows));
                wide.AssertClose(dGamma, machine.Download(wide, pdg, d), 8, rows, context + ", gamma", scale: Math.Sqrt(rows) * scale);
            }
        }
    }

    private static double[] Transposed(double[] x, int rows, int d) => [.. Enumerable.Range(0, x.Length).Select(i => x[(i % rows * d) + (i / rows)])];

    // Of columns.
    private static (double[] Mean, double[] Variance) Statistics(double[] x, int c)
    {
        var rows = x.Length / c;
        var mean = Enumerable.Range(0, c).Select(j => Enumerable.Range(0, rows).Sum(r => x[(r * c) + j]) / rows).ToArray();
        var variance = Enumerable.Range(0, c).Select(j => Enumerable.Range(0, rows).Sum(r => Math.Pow(x[(r * c) + j] - mean[j], 2)) / rows).ToArray();
        return (mean, variance);
    }
}
