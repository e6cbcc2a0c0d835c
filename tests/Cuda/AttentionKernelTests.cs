using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Attention on a device against its definition in double.</summary>
public sealed class AttentionKernelTests
{
    private static readonly int Seed = DeviceValues.FreshSeed;

    private static readonly (int Images, int Queries, int Keys, int Width, int Heads)[] Shapes =
        [(1, 1, 1, 1, 1), (2, 17, 17, 24, 3), (3, 5, 70, 10, 2), (1, 1, 33, 64, 4)];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Attention_equals_its_definition_and_an_image_does_not_depend_on_the_others(string name)
    {
        using var machine = CudaMachine.Use(name);
        using var gemm = new CudaGemm(machine.Context, choice: null);
        var attention = new CudaAttention(gemm, new SoftmaxKernels(machine.Context));
        var random = new Random(Seed);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (images, t, s, d, heads) in Shapes)
            {
                var (q, k, v) = (Values(images * t * d), Values(images * s * d), Values(images * s * d));
                var (pq, pk, pv) = (machine.Upload(type, q), machine.Upload(type, k), machine.Upload(type, v));
                var y = machine.Allocate(type, q.Length);
                var workspace = machine.Allocate<byte>(CudaAttention.WorkspaceBytes(type, images, t, s, heads));
                attention.Forward(type, images, t, s, d, heads, pq, pk, pv, y, workspace);
                var got = machine.Download(type, y, q.Length);
                // Values and shares are below 1, scores below 3. They are stored too, so bf16 rounds the scores and the shares, by 2^-8 of them.
                var (c, terms, scale) = type == DType.BF16 ? (4, 1, Math.ScaleB(1, 24 - 8)) : (16, d / heads, 1.0);
                type.AssertClose(Expected(images, t, s, d, heads, q, k, v), got, c, terms, $"{(images, t, s, d, heads)}, seed {Seed}", scale);

                var size = type switch { DType.F32 => 4, DType.BF16 => 2, _ => 8 };
                var apart = machine.Allocate(type, q.Length);
                for (var i = 0; i < images; i++)
                {
                    attention.Forward(
                        type, 1, t, s, d, heads, pq + (i * t * d * size), pk + (i * s * d * size), pv + (i * s * d * size), apart + (i * t * d * size), workspace);
                }

                Assert.Equal(got, machine.Download(type, apart, q.Length));

                double[] Values(int count) => type.Round(DeviceValues.Random(random, count));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Gradients_equal_their_definition(string name)
    {
        using var machine = CudaMachine.Use(name);
        using var gemm = new CudaGemm(machine.Context, choice: null);
        var attention = new CudaAttention(gemm, new SoftmaxKernels(machine.Context));
        var random = new Random(Seed + 1);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (images, t, s, d, heads) in Shapes)
            {
                var (asked, answered) = (images * t * d, images * s * d);
                var (q, k, v, dy) = (Values(asked), Values(answered), Values(answered), Values(asked));
                var (dq, dk, dv) = (machine.Allocate(type, asked), machine.Allocate(type, answered), machine.Allocate(type, answered));
                var workspace = machine.Allocate<byte>(2 * CudaAttention.WorkspaceBytes(type, images, t, s, heads));
                attention.Backward(
                    type, images, t, s, d, heads, machine.Upload(type, q), machine.Upload(type, k), machine.Upload(type, v), machine.Upload(type, dy),
                    dq, dk, dv, workspace);
                var wanted = Gradients(images, t, s, d, heads, q, k, v, dy);
                // Shares and their gradients are stored too: bf16 rounds them by 2^-8, relative to sums of d / heads products.
                var (c, scale) = type == DType.BF16 ? (4, Math.ScaleB(1, 24 - 8)) : (16, 1.0);
                var context = $"{(images, t, s, d, heads)}, seed {Seed + 1}";
                type.AssertClose(wanted.Q, machine.Download(type, dq, asked), c, s + (d / heads), $"dq, {context}", scale);
                type.AssertClose(wanted.K, machine.Download(type, dk, answered), c, t + (d / heads), $"dk, {context}", scale);
                type.AssertClose(wanted.V, machine.Download(type, dv, answered), c, t, $"dv, {context}", scale);

                double[] Values(int count) => type.Round(DeviceValues.Random(random, count));
            }
        }
    }

    private static (double[] Q, double[] K, double[] V) Gradients(
        int images, int t, int s, int d, int heads, double[] q, double[] k, double[] v, double[] dy)
    {
        var (dq, dk, dv, size) = (new double[q.Length], new double[k.Length], new double[v.Length], d / heads);
        for (var row = 0; row < images * t; row++)
        {
            for (var head = 0; head < heads; head++)
            {
                var (first, ask) = (row / t * s, (row * d) + (head * size));
                int Answer(int key) => ((first + key) * d) + (head * size);
                double Dot(double[] a, double[] b, int key) => Enumerable.Range(0, size).Sum(i => a[ask + i] * b[Answer(key) + i]);
                var shares = Enumerable.Range(0, s).Select(key => Math.Exp(Dot(q, k, key) / Math.Sqrt(size))).ToArray();
                var sum = shares.Sum();
                shares = Array.ConvertAll(shares, share => share / sum);
                var mean = Enumerable.Range(0, s).Sum(key => shares[key] * Dot(dy, v, key));
                for (var key = 0; key < s; key++)
                {
                    var g = shares[key] * (Dot(dy, v, key) - mean) / Math.Sqrt(size);
                    for (var i = 0; i < size; i++)
                    {
                        dq[ask + i] += g * k[Answer(key) + i];
                        dk[Answer(key) + i] += g * q[ask + i];
                        dv[Answer(key) + i] += shares[key] * dy[ask + i];
                    }
                }
            }
        }

        return (dq, dk, dv);
    }

    private static double[] Expected(int images, int t, int s, int d, int heads, double[] q, double[] k, double[] v)
    {
        var y = new double[q.Length];
        var size = d / heads;
        for (var row = 0; row < images * t; row++)
        {
            for (var head = 0; head < heads; head++)
            {
                var (first, ask) = (row / t * s, (row * d) + (head * size));
                var scores = Enumerable.Range(first, s).Select(
                    key => Math.Exp(Enumerable.Range(0, size).Sum(i => q[ask + i] * k[(key * d) + (head * size) + i]) / Math.Sqrt(size))).ToArray();
                for (var i = 0; i < size; i++)
                    y[ask + i] = Enumerable.Range(0, s).Sum(key => scores[key] * v[((first + key) * d) + (head * size) + i]) / scores.Sum();
            }
        }

        return y;
    }
}
