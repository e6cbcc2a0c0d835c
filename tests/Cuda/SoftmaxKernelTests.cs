using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Softmax, cross-entropy and their gradients against float64.</summary>
public sealed class SoftmaxKernelTests
{
    private static readonly (int Rows, int D)[] Shapes = [(1, 1), (3, 10), (9, 33), (17, 197), (2, 1024), (2, 1025), (3, 2500)];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Softmax_and_its_logarithm_and_their_gradients(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SoftmaxKernels(machine.Context);
        var random = new Random(51);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (rows, d) in Shapes)
            {
                var (x, dy) = (type.Round(DeviceValues.Random(random, rows * d, -8, 8)), type.Round(DeviceValues.Random(random, rows * d)));
                var (px, pdy, py, pdx) = (machine.Upload(type, x), machine.Upload(type, dy), machine.Allocate(type, x.Length), machine.Allocate(type, x.Length));
                foreach (var log in (bool[])[false, true])
                {
                    kernels.Forward(type, px, py, rows, d, log);
                    var y = Rows(x, d, row => Softmax(row, log));
                    type.AssertClose(y, machine.Download(type, py, y.Length), 8, d, $"softmax of [{rows}, {d}], log {log}");

                    var saved = type.Round(y);
                    kernels.Backward(type, machine.Upload(type, saved), pdy, pdx, rows, d, log);
                    var dx = new double[x.Length];
                    for (var at = 0; at < x.Length; at++)
                    {
                        var first = at / d * d;
                        var sum = Enumerable.Range(first, d).Sum(i => log ? dy[i] : saved[i] * dy[i]);
                        dx[at] = log ? dy[at] - (Math.Exp(saved[at]) * sum) : saved[at] * (dy[at] - sum);
                    }

                    type.AssertClose(dx, machine.Download(type, pdx, dx.Length), 8, d, $"gradient of [{rows}, {d}], log {log}", scale: dx.Max(Math.Abs) + 1);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Cross_entropy_and_its_gradient(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SoftmaxKernels(machine.Context);
        var random = new Random(52);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (rows, d) in Shapes)
            {
                // Wide logits: exponentials of the plain values would overflow.
                var (x, dy) = (type.Round(DeviceValues.Random(random, rows * d, -120, 120)), type.Round(DeviceValues.Random(random, rows)));
                var labels = Enumerable.Range(0, rows).Select(_ => random.Next(d)).ToArray();
                var (px, pl, pdy) = (machine.Upload(type, x), machine.Upload<int>(labels), machine.Upload(type, dy));
                var (py, pdx) = (machine.Allocate(type, rows), machine.Allocate(type, x.Length));
                kernels.CrossEntropy(type, px, pl, py, rows, d);
                kernels.CrossEntropyBackward(type, px, pl, pdy, pdx, rows, d);
                var losses = Enumerable.Range(0, rows).Select(r => -Softmax(x[(r * d)..((r + 1) * d)], log: true)[labels[r]]).ToArray();
                type.AssertClose(losses, machine.Download(type, py, rows), 8, d, $"losses of [{rows}, {d}]", scale: 240);
                var p = Rows(x, d, row => Softmax(row, log: false));
                var dx = p.Select((v, i) => dy[i / d] * (v - (labels[i / d] == i % d ? 1 : 0))).ToArray();
                // Of e^v the error is v's times the result: v is up to 240 here.
                type.AssertClose(dx, machine.Download(type, pdx, dx.Length), 8 * 60, d, $"gradient of [{rows}, {d}]", scale: 1);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_wrong_label_is_reported_and_its_loss_is_NaN(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SoftmaxKernels(machine.Context);
        var (px, pl, py) = (machine.Upload<float>(new float[12]), machine.Upload<int>([2, -7, 1]), machine.Allocate<float>(3));
        kernels.CrossEntropy(DType.F32, px, pl, py, 3, 4);
        var error = Assert.Throws<EscException>(machine.Context.Stream.Synchronize);
        Assert.Contains("label 1 is -7, wants 0 to 3", error.Message, StringComparison.Ordinal);
        var losses = machine.Download<float>(py, 3);
        Assert.True(float.IsNaN(losses[1]) && MathF.Abs(losses[0] - MathF.Log(4)) < 1e-6f);
    }

    private static double[] Rows(double[] x, int d, Func<double[], double[]> function) => [.. x.Chunk(d).SelectMany(function)];

    private static double[] Softmax(double[] row, bool log)
    {
        var largest = row.Max();
        var sum = row.Sum(v => Math.Exp(v - largest));
        return Array.ConvertAll(row, v => log ? v - largest - Math.Log(sum) : Math.Exp(v - largest) / sum);
    }
}
