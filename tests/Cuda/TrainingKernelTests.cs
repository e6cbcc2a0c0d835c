using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Random numbers, optimizers and image batches.</summary>
public sealed class TrainingKernelTests
{
    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public unsafe void Random_numbers_are_those_of_the_CPU_bit_for_bit(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new RandomKernels(machine.Context);
        const ulong seed = 0x0123_4567_89AB_CDEF, stream = 0xFEDC_BA98_7654_3210;
        // Streams that start within a block, and beyond 2^32 blocks.
        foreach (var offset in (ulong[])[0, 1, 2, 3, 5, (1UL << 34) - 2])
        {
            foreach (var n in (int[])[1, 2, 7, 1030])
            {
                var wanted = new float[n];
                Philox.Uniform(seed, stream, offset, wanted);
                var p = machine.Allocate<float>(n);
                kernels.Uniform(DType.F32, p, n, seed, stream, offset);
                Assert.Equal(wanted, machine.Download<float>(p, n));

                var wide = machine.Allocate<double>(n);
                kernels.Uniform(DType.F64, wide, n, seed, stream, offset);
                Assert.Equal(Array.ConvertAll(wanted, v => (double)v), machine.Download<double>(wide, n));

                var narrow = machine.Allocate<BFloat16>(n);
                kernels.Uniform(DType.BF16, narrow, n, seed, stream, offset);
                Assert.Equal(DType.BF16.Round(Array.ConvertAll(wanted, v => (double)v)), machine.Download(DType.BF16, narrow, n));

                Philox.Normal(seed, stream, offset, wanted);
                kernels.Normal(p, n, seed, stream, offset);
                Assert.Equal(wanted, machine.Download<float>(p, n));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public unsafe void Dropout_has_the_mask_of_the_CPU(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new RandomKernels(machine.Context);
        var random = new Random(82);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var p in (double[])[0, 0.25, 0.9])
            {
                const int n = 1001;
                var x = DeviceValues.Random(random, n);
                var mask = new byte[n];
                var unused = new double[n];
                fixed (double* px = x, py = unused)
                fixed (byte* pm = mask)
                    RandomFill.Dropout(px, py, pm, p, n, 5, 6, 7);
                x = type.Round(x);
                var (dx, dy, dm) = (machine.Upload(type, x), machine.Allocate(type, n), machine.Allocate<byte>(n));
                kernels.Dropout(type, dx, dy, dm, p, n, 5, 6, 7);
                Assert.Equal(mask, machine.Download<byte>(dm, n));
                var wanted = x.Select((v, i) => v * mask[i] / (1 - p)).ToArray();
                type.AssertClose(wanted, machine.Download(type, dy, n), 2, 1, $"dropout {p}");
                kernels.ApplyMask(type, dx, dm, 1 / (1 - p), dy, n);
                type.AssertClose(wanted, machine.Download(type, dy, n), 2, 1, $"mask {p}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Optimizers_step_many_tensors_at_once(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new OptimizerKernels(machine.Context);
        var random = new Random(83);
        foreach (var type in (DType[])[DType.F32, DType.F64])
        {
            var wide = type == DType.F64;
            // Several blocks a tensor, single values, none.
            int[] sizes = [5000, 1, 0, 4096, 4097, 33];
            foreach (var (momentum, decay, nesterov) in ((double, double, bool)[])[(0, 0, false), (0.9, 5e-4, false), (0.9, 5e-4, true)])
            {
                var sets = sizes.Select(n => new State(type, random, machine, n)).ToArray();
                var table = default(OptimizerTable);
                foreach (var s in sets)
                    table.Add(s.P[0], s.P[1], momentum == 0 ? 0 : s.P[2], 0, s.V[0].Length);
                kernels.Sgd(wide, table, 0.1, momentum, decay, nesterov);
                foreach (var (v, p) in sets)
                {
                    var step = v[0].Zip(v[1], (w, g) => g + (decay * w)).ToArray();
                    var speed = step.Zip(v[2], (g, old) => (momentum * old) + g).ToArray();
                    var used = momentum == 0 ? step : nesterov ? [.. step.Zip(speed, (g, s) => g + (momentum * s))] : speed;
                    type.AssertClose([.. v[0].Zip(used, (w, u) => w - (0.1 * u))], machine.Download(type, p[0], v[0].Length), 8, 1, "weight");
                    if (momentum != 0)
                        type.AssertClose(speed, machine.Download(type, p[2], v[0].Length), 8, 1, "velocity");
                }
            }

            foreach (var decoupled in (bool[])[false, true])
            {
                var sets = sizes.Select(n => new State(type, random, machine, n)).ToArray();
                var table = default(OptimizerTable);
                foreach (var s in sets)
                    table.Add(s.P[0], s.P[1], s.P[2], s.P[3], s.V[0].Length);
                const double rate = 0.01, beta1 = 0.9, beta2 = 0.99, eps = 1e-3, decay = 0.1;
                kernels.Adam(wide, table, rate, beta1, beta2, eps, decay, decoupled, 3);
                foreach (var (v, p) in sets)
                {
                    for (var i = 0; i < v[0].Length; i++)
                    {
                        var w = decoupled ? v[0][i] * (1 - (rate * decay)) : v[0][i];
                        var g = decoupled ? v[1][i] : v[1][i] + (decay * w);
                        v[2][i] += (1 - beta1) * (g - v[2][i]);
                        v[3][i] = (beta2 * v[3][i]) + ((1 - beta2) * g * g);
                        v[0][i] = w - (rate / (1 - Math.Pow(beta1, 3)) * v[2][i] / ((Math.Sqrt(v[3][i]) / Math.Sqrt(1 - Math.Pow(beta2, 3))) + eps));
                    }

                    foreach (var k in (int[])[0, 2, 3])
                        type.AssertClose(v[k], machine.Download(type, p[k], v[0].Length), 8, 1, $"Adam, state {k}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Batches_are_picked_cropped_mirrored_and_looked_up(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ImageKernels(machine.Context);
        var random = new Random(84);
        const int h = 6, w = 5, c = 3, images = 4;
        var x = new byte[images * h * w * c];
        random.NextBytes(x);
        var table = DeviceValues.Random(random, c * 256).Select(v => (float)v).ToArray();
        ImageChange[] changes = [new(3, 0, 0, 0), new(0, 1, 0, 0), new(2, 0, -2, 1), new(2, 1, 3, -4), new(1, 1, 9, 0)];
        var (px, pt, pc) = (machine.Upload<byte>(x), machine.Upload<float>(table), machine.Upload<ImageChange>(changes));
        double Value(ImageChange change, int row, int column, int k)
        {
            var (r, q) = (row + change.Down, column + change.Right);
            return table[(k * 256) + (r is >= 0 and < h && q is >= 0 and < w ? x[(((((change.Index * h) + r) * w) + q) * c) + k] : 0)];
        }

        foreach (var type in (DType[])[DType.F32, DType.BF16])
        {
            var py = machine.Allocate(type, changes.Length * h * w * c);
            kernels.Load(type, px, pt, pc, py, changes.Length, new ImageBatch(h, w, c, h, w, images));
            var wanted = changes.SelectMany(change => Enumerable.Range(0, h * w * c).Select(i =>
                Value(change, i / (w * c), change.Mirror == 1 ? w - 1 - (i / c % w) : i / c % w, i % c))).ToArray();
            Assert.Equal(type.Round(wanted), machine.Download(type, py, wanted.Length));

            py = machine.Allocate(type, images * h * w * c);
            kernels.Load(type, px, pt, 0, py, images, new ImageBatch(h, w, c, h, w, images));
            Assert.Equal(type.Round([.. x.Select((b, i) => (double)table[(i % c * 256) + b])]), machine.Download(type, py, x.Length));

            // Enlarged and made smaller: the formula, written out.
            foreach (var (oh, ow) in ((int, int)[])[(14, 13), (3, 2), (6, 9)])
            {
                var resized = new double[changes.Length * oh * ow * c];
                for (var i = 0; i < resized.Length; i++)
                {
                    var (k, column, row, change) = (i % c, i / c % ow, i / c / ow % oh, changes[i / c / ow / oh]);
                    column = change.Mirror == 1 ? ow - 1 - column : column;
                    var (r, q) = (Math.Max(((row + 0.5) * h / oh) - 0.5, 0), Math.Max(((column + 0.5) * w / ow) - 0.5, 0));
                    var (top, left) = ((int)r, (int)q);
                    double At(int a, int b) => Value(change, Math.Min(a, h - 1), Math.Min(b, w - 1), k);
                    var upper = At(top, left) + ((q - left) * (At(top, left + 1) - At(top, left)));
                    var lower = At(top + 1, left) + ((q - left) * (At(top + 1, left + 1) - At(top + 1, left)));
                    resized[i] = upper + ((r - top) * (lower - upper));
                }

                py = machine.Allocate(type, resized.Length);
                kernels.Load(type, px, pt, pc, py, changes.Length, new ImageBatch(h, w, c, oh, ow, images));
                // The coordinates, up to 6, are rounded, and multiply differences up to 2.
                type.AssertClose(resized, machine.Download(type, py, resized.Length), 64, 1, $"{oh}x{ow}", scale: 1);
            }
        }

        var py2 = machine.Allocate<float>(h * w * c);
        kernels.Load(DType.F32, px, pt, machine.Upload<ImageChange>([new(images, 0, 0, 0)]), py2, 1, new ImageBatch(h, w, c, h, w, images));
        var error = Assert.Throws<EscException>(machine.Context.Stream.Synchronize);
        Assert.Contains("index 0 is 4, wants 0 to 3", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Pointwise_scales_shifts_adds_and_rectifies(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ImageKernels(machine.Context);
        var random = new Random(85);
        const int c = 7, n = 301 * c;
        foreach (var type in (DType[])[DType.F32, DType.BF16])
        {
            var (x, residual) = (type.Round(DeviceValues.Random(random, n)), type.Round(DeviceValues.Random(random, n)));
            var (scale, shift) = (DType.F32.Round(DeviceValues.Random(random, c)), DType.F32.Round(DeviceValues.Random(random, c)));
            var (px, pr, ps, pt) = (machine.Upload(type, x), machine.Upload(type, residual), machine.Upload(DType.F32, scale), machine.Upload(DType.F32, shift));
            var py = machine.Allocate(type, n);
            for (var choice = 0; choice < 8; choice++)
            {
                var (scaled, added, relu) = ((choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0);
                kernels.Pointwise(type, px, scaled ? ps : 0, scaled ? pt : 0, added ? pr : 0, relu, py, n, c);
                var wanted = x.Select((v, i) => (scaled ? (v * scale[i % c]) + shift[i % c] : v) + (added ? residual[i] : 0)).Select(v => relu ? Math.Max(v, 0) : v);
                type.AssertClose([.. wanted], machine.Download(type, py, n), 4, 1, $"scaled {scaled}, added {added}, relu {relu}");
            }
        }
    }

    private sealed class State(DType type, Random random, CudaMachine machine, int n)
    {
        // Weight, gradient, two moments; the second one is not negative.
        public double[][] V { get; } = [.. Enumerable.Range(0, 4).Select(k => type.Round(DeviceValues.Random(random, n, k == 3 ? 0.01 : -1)))];

        public nint[] P => _p ??= [.. V.Select(v => v.Length == 0 ? 0 : machine.Upload(type, v))];

        private nint[]? _p;

        public void Deconstruct(out double[][] v, out nint[] p) => (v, p) = (V, P);
    }
}
