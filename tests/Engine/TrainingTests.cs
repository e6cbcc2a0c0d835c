using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using CpuParallel = EscNative.Kernels.Cpu.CpuParallel;

namespace EscNative.Tests.Engine;

public sealed class TrainingTests
{
    [Fact]
    public void Exclusive_or_is_learned()
    {
        var random = new RandomSource(11);
        using var hidden = new Linear(2, 8, random);
        using var output = new Linear(8, 2, random);
        using var optimizer = new Adam([hidden.Weight, hidden.Bias!, output.Weight, output.Bias!], 0.05);
        using var x = Tensor.From([0f, 0, 0, 1, 1, 0, 1, 1], (4, 2));
        using var labels = Tensor.From([0, 1, 1, 0], 4);
        var loss = double.NaN;
        for (var step = 0; step < 300; step++)
        {
            using var scope = Tensor.Scope();
            var value = Loss.CrossEntropy(output.Forward(hidden.Forward(x).Tanh()), labels);
            using var gradients = value.Backward();
            optimizer.Step(gradients);
            loss = value.Item();
        }

        Assert.InRange(loss, 0, 0.01);
        using var noGrad = Tensor.NoGrad();
        using var last = Tensor.Scope();
        Assert.Equal([0, 1, 1, 0], output.Forward(hidden.Forward(x).Tanh()).ArgMax().ToArray<int>());
    }

    // Every layer, loss and optimizer kernel that training uses, on sizes that are cut into several tiles.
    [Fact]
    public void A_training_run_has_the_same_bits_for_any_number_of_threads_and_for_two_runs()
    {
        var threads = CpuParallel.Threads;
        try
        {
            CpuParallel.Threads = 1;
            var one = Train();
            foreach (var n in (int[])[1, 2, 3])
            {
                CpuParallel.Threads = n;
                Assert.Equal(one, Train());
            }
        }
        finally
        {
            CpuParallel.Threads = threads;
        }
    }

    // One caller at a time owns the team of threads; the others compute alone, to the same bits.
    [Fact]
    public void Callers_in_several_threads_may_share_a_network()
    {
        var random = new RandomSource(6);
        using var net = new Sequential(
            new Conv2d(3, 16, 3, random, padding: 1), new BatchNorm2d(16), new Relu(), new GlobalAveragePool2d(), new Linear(16, 10, random));
        net.Training = false;
        using var x = Tensor.From(Enumerable.Range(0, 8 * 16 * 16 * 3).Select(i => MathF.Sin(i)).ToArray(), (8, 16, 16, 3));
        var wanted = Forward();
        var errors = new Exception?[4];
        var threads = errors.Select((_, i) => new Thread(() => errors[i] = Record.Exception(() =>
        {
            for (var pass = 0; pass < 20; pass++)
                Assert.Equal(wanted, Forward());
        }))).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.All(errors, Assert.Null);

        float[] Forward()
        {
            using var noGrad = Tensor.NoGrad();
            using var scope = Tensor.Scope();
            return net.Forward(x).ToArray();
        }
    }

    // The memory of one step is the memory of any step.
    [Fact]
    public void Training_steps_reuse_their_memory()
    {
        long allocations = 0, peak = 0;
        Train(step =>
        {
            if (step == 1)
                (allocations, peak) = (TestDevices.Current.Memory.SystemAllocations, TestDevices.Current.Memory.Peak);
            if (step == 0)
                TestDevices.Current.ResetPeak();
        });
        Assert.Equal(allocations, TestDevices.Current.Memory.SystemAllocations);
        Assert.Equal(peak, TestDevices.Current.Memory.Peak);
    }

    /// <summary>Four steps of a small network of everything; the losses, parameters and running statistics as bits.</summary>
    private static int[] Train(Action<int>? afterStep = null)
    {
        var random = new RandomSource(5);
        using var net = new Sequential(
            new Conv2d(3, 16, 3, random, padding: 1), new BatchNorm2d(16), new Relu(), new Conv2d(16, 24, 3, random, stride: 2, padding: 1, bias: false),
            new Dropout(0.2, new RandomSource(5, 1)), new Relu(), new GlobalAveragePool2d(), new LayerNorm(24), new Linear(24, 10, random));
        using var optimizer = new Sgd(net.Parameters, 0.05, momentum: 0.9, weightDecay: 1e-3, nesterov: true);
        var values = new float[16 * 16 * 16 * 3];
        random.FillNormal(values);
        using var x = Tensor.From(values, (16, 16, 16, 3));
        using var labels = Tensor.From(Enumerable.Range(0, 16).Select(i => i % 10).ToArray(), 16);
        var bits = new List<int>();
        for (var step = 0; step < 4; step++)
        {
            using (Tensor.Scope())
            {
                var loss = Loss.CrossEntropy(net.Forward(x), labels);
                using var gradients = loss.Backward();
                optimizer.Step(gradients);
                Append(loss);
            }

            afterStep?.Invoke(step);
        }

        foreach (var parameter in net.Parameters)
            Append(parameter);
        foreach (var (_, buffer) in net.NamedBuffers)
            Append(buffer);
        return [.. bits];

        void Append(Tensor t) => bits.AddRange(t.ToArray().Select(BitConverter.SingleToInt32Bits));
    }
}
