using EscNative.Kernels.Cuda;
using EscNative.Tests.Masks;
using EscNative.Unlearning.Masks;

namespace EscNative.Tests.Cuda;

/// <summary>ESC-T on the device against its definition in float64, and against the CPU.</summary>
public sealed class EscTKernelTests
{
    private const int Seed = 61;

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void One_step_follows_the_definition(string name)
    {
        using var machine = CudaMachine.Use(name);
        // (rows, d, r, classes, batch): one column, fewer columns than rows, more classes than threads, a batch of one.
        foreach (var (n, d, r, classes, batch) in ((int, int, int, int, int)[])[(3, 1, 1, 2, 8), (20, 12, 12, 10, 8), (30, 33, 18, 5, 30), (6, 9, 9, 300, 4), (5, 10, 7, 3, 1)])
        {
            var (z, labels, u, w, bias) = MaskOracle.Case(n, d, r, classes, new Random(Seed));
            using var trainer = new CudaMaskTrainer(machine.Context, Problem(z, labels, u, w, bias, d, batch));
            var oracle = new MaskOracle(z, labels, u, w, bias, d);
            int[] order = [.. Enumerable.Range(0, n).Reverse().Take(batch)];
            // A rate at which the mask moves by a tenth.
            var rate = 0.1 / (1e-6 + oracle.Gradient(order, out _).Max(Math.Abs));
            var hits = oracle.Step(order, (float)rate);
            var epoch = trainer.Epoch(order, (float)rate);
            Assert.Equal(hits > 0 ? 1 : 0, epoch.Updates);
            var mask = new float[d * r];
            trainer.ReadMask(mask);
            for (var i = 0; i < mask.Length; i++)
                Assert.True(Math.Abs(oracle.Mask[i] - mask[i]) <= 1e-5, $"{n} x {d}, {r} columns, {classes} classes: entry {i} is {mask[i]}, wanted {oracle.Mask[i]}, seed {Seed}");
            Assert.Equal(oracle.CountHits(), epoch.Hits);
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_hundred_steps_end_where_the_CPU_ends(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int n = 78, d = 20, classes = 6, batch = 8;
        var random = new Random(Seed);
        var (z, labels, u, w, bias) = MaskOracle.Case(n, d, d, classes, random);
        var problem = Problem(z, labels, u, w, bias, d, batch);
        using var cpu = new CpuMaskTrainer(problem);
        using var cuda = new CudaMaskTrainer(machine.Context, problem);
        float[] a = new float[d * d], b = new float[d * d];
        var steps = 0;
        // A batch without a hit is no step.
        for (var epoch = 0; epoch < 30 && steps < 100; epoch++)
        {
            // Ten batches, the last of 6.
            var order = Enumerable.Range(0, n).ToArray();
            random.Shuffle(order);
            var (wanted, got) = (cpu.Epoch(order, 0.5f), cuda.Epoch(order, 0.5f));
            Assert.Equal(wanted, got);
            steps += wanted.Updates;
            cpu.ReadMask(a);
            cuda.ReadMask(b);
            Assert.All(b, m => Assert.InRange(m, 0, 1));
        }

        Assert.True(steps >= 100, $"only {steps} batches had a hit, seed {Seed}");
        Assert.Contains(a, m => m < 0.7f);
        for (var i = 0; i < a.Length; i++)
            Assert.True(Math.Abs(a[i] - b[i]) <= 1e-3, $"entry {i}: CPU {a[i]}, CUDA {b[i]}, seed {Seed}");
        var (kept, same) = (cpu.Threshold(0.7f), cuda.Threshold(0.7f));
        var differing = 0;
        for (var i = 0; i < kept.Length; i++)
        {
            Assert.True(kept[i] == same[i] || Math.Abs(a[i] - 0.7f) < 1e-3, $"entry {i} of the binary mask, seed {Seed}");
            differing += kept[i] == same[i] ? 0 : 1;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"after {steps} steps {differing} of {kept.Length} entries of the binary masks differ, all of them within 1e-3 of tau");
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Any_layout_gives_the_same_epoch(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int n = 21, d = 14, r = 13, classes = 5, batch = 8;
        var (z, labels, u, w, bias) = MaskOracle.Case(n, d, r, classes, new Random(Seed));
        var problem = Problem(z, labels, u, w, bias, d, batch);
        int[] order = [.. Enumerable.Range(0, n)];
        using var cpu = new CpuMaskTrainer(problem);
        var wanted = cpu.Epoch(order, 0.1f);
        var mask = new float[d * r];
        cpu.ReadMask(mask);
        foreach (var groups in (int[])[1, 2, 3, 4])
        {
            foreach (var outside in (bool[])[false, true])
            {
                using var trainer = new CudaMaskTrainer(machine.Context, problem, EscTPlan.Make(d, 4, classes, batch, groups, outside));
                Assert.Equal(wanted, trainer.Epoch(order, 0.1f));
                var got = new float[d * r];
                trainer.ReadMask(got);
                for (var i = 0; i < got.Length; i++)
                    Assert.True(Math.Abs(mask[i] - got[i]) <= 1e-5, $"{groups} groups, outside {outside}: entry {i}, seed {Seed}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Without_a_hit_nothing_changes_and_the_mask_can_be_replaced(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int n = 10, d = 6, classes = 3;
        var (z, labels, u, w, bias) = MaskOracle.Case(n, d, d, classes, new Random(Seed));
        var oracle = new MaskOracle(z, labels, u, w, bias, d);
        var wrong = Enumerable.Range(0, n).Select(i => (oracle.Predict(i) + 1) % classes).ToArray();
        using var trainer = new CudaMaskTrainer(machine.Context, Problem(z, wrong, u, w, bias, d, 4));
        Assert.Equal(new MaskEpoch(0, 0), trainer.Epoch([.. Enumerable.Range(0, n)], 100));
        var mask = new float[d * d];
        trainer.ReadMask(mask);
        Assert.All(mask, m => Assert.Equal(1, m));

        for (var i = 0; i < mask.Length; i++)
            mask[i] = oracle.Mask[i] == 1 ? (float)((i % 5) * 0.25) : 0;
        trainer.WriteMask(mask);
        Array.ConvertAll(mask, m => (double)m).CopyTo(oracle.Mask, 0);
        var hits = Enumerable.Range(0, n).Count(i => oracle.Predict(i) == wrong[i]);
        Assert.Equal(new MaskEpoch(hits, 0), trainer.Epoch([], 1));
        // Strictly above: 0.5 itself is not kept.
        Assert.Equal(mask.Select(m => m > 0.5f), trainer.Threshold(0.5f));
        Assert.Throws<UsageException>(() => trainer.Epoch([0, n], 1));
        Assert.Throws<UsageException>(() => trainer.WriteMask(new float[3]));
        mask[3] = 1.5f;
        Assert.Throws<UsageException>(() => trainer.WriteMask(mask));
    }

    [Fact]
    public void The_layout_takes_what_the_device_holds()
    {
        // A large device: slabs of four columns, coordinates in shared memory.
        var large = EscTPlan.Of(512, 512, 10, 64, 227 << 10, _ => 264);
        Assert.Equal((1, 128, 0L), (large.Groups, large.Blocks, large.OutsideCount));
        Assert.Equal(128L * 64 * 10, large.PartialCount);
        // ViT with many classes on a small one: wider slabs, coordinates outside.
        var small = EscTPlan.Of(768, 768, 1000, 256, 99 << 10, _ => 68);
        Assert.Equal((3, 64), (small.Groups, small.Blocks));
        Assert.True(small.OutsideCount > 0);
        Assert.InRange(small.SharedBytes, 3 * 768 * 32, 99 << 10);
        // Every column has its block.
        foreach (var (d, r) in ((int, int)[])[(96, 96), (768, 768), (50, 3)])
        {
            var plan = EscTPlan.Of(d, r, 10, 64, 99 << 10, _ => 80);
            Assert.True(plan.Blocks * plan.Groups * 4 >= r && (plan.Blocks - 1) * plan.Groups * 4 < r);
        }

        var e = Assert.Throws<DeviceException>(() => EscTPlan.Of(4096, 4096, 10, 64, 99 << 10, _ => 80));
        Assert.Contains("--device cpu", e.Message, StringComparison.Ordinal);
    }

    private static MaskProblem Problem(double[] z, int[] labels, double[] u, double[] w, double[] bias, int d, int batch) =>
        new(Floats(z), labels, u, Floats(w), Floats(bias), d, batch);

    private static float[] Floats(double[] values) => Array.ConvertAll(values, v => (float)v);
}
