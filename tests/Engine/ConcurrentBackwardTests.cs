using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Tests.Kernels;
using EscNative.Tests.Plans;

namespace EscNative.Tests.Engine;

/// <summary>Backward passes of several threads: over parameters that they share, and over one graph.</summary>
[Collection(CpuThreads.Collection)]
public sealed class ConcurrentBackwardTests
{
    public static TheoryData<string> Networks() =>
        ["linear", "perceptron", "convolution", "winograd", "batch norm, training", "batch norm, evaluation", "layer norm", "attention"];

    // Each thread has batches of its own and shares the parameters with all others.
    [Theory]
    [MemberData(nameof(Networks))]
    public void Every_thread_gets_the_bits_that_one_alone_gets(string name)
    {
        const int Batches = 12;
        var (network, shape) = Network(name);
        using (network)
        {
            Parameter[] parameters = [.. network.Parameters];
            var wanted = Enumerable.Range(0, Batches).Select(i => Pass(network, parameters, shape, i)).ToArray();
            CpuThreads.ForEach([1, 2], _ =>
            {
                foreach (var threads in (int[])[1, 2, 4, 8])
                {
                    Together(threads, (me, round) =>
                    {
                        var batch = ((me * 5) + round) % Batches;
                        var got = Pass(network, parameters, shape, batch);
                        for (var p = 0; p < got.Length; p++)
                            Assert.True(wanted[batch][p].AsSpan().SequenceEqual(got[p]), $"{threads} threads, batch {batch}: other bits in parameter {p}");
                    }, rounds: 24 / threads);
                }
            });
        }
    }

    [Fact]
    public void One_graph_that_is_kept_is_walked_by_several_threads_at_once()
    {
        using var scope = Tensor.Scope();
        var (network, shape) = Network("perceptron");
        using (network)
        {
            Parameter[] parameters = [.. network.Parameters];
            var y = network.Forward(Input(shape, 0));
            using var expected = Seed(0);
            var wanted = Enumerable.Range(0, 8).Select(i => Walk(i)).ToArray();
            Together(8, (me, round) => Assert.Equal(wanted[(me + round) % 8], Walk((me + round) % 8)), rounds: 30);
            // Kept to the end: a last pass may use it up.
            using var last = y.Backward(expected);
            Assert.Equal(wanted[0], Bits(last, parameters).SelectMany(b => b));

            Tensor Seed(int i)
            {
                var values = new float[y.Count];
                new RandomSource((ulong)i + 70).FillUniform(values);
                return Tensor.From(values, y.Shape).Persist();
            }

            byte[] Walk(int i)
            {
                using var seed = Seed(i);
                using var gradients = y.Backward(seed, retainGraph: true);
                return [.. Bits(gradients, parameters).SelectMany(b => b)];
            }
        }
    }

    // Whoever comes second is told; nobody reads memory that another pass gives back, and nothing is given back twice.
    [Fact]
    public void One_graph_is_used_up_once_however_many_threads_try()
    {
        using var w = Tensor.From([1f, 2, 3, 4], (2, 2)).RequireGradient();
        using var x = Tensor.Ones((64, 2));
        for (var attempt = 0; attempt < 200; attempt++)
        {
            using var scope = Tensor.Scope();
            var y = x.MatMul(w).Exp().MatMul(w).Sum();
            var succeeded = 0;
            float[]? gradient = null;
            Together(4, (_, _) =>
            {
                try
                {
                    using var gradients = y.Backward();
                    Interlocked.Increment(ref succeeded);
                    gradient = gradients[w].ToArray();
                }
                catch (EscException refused)
                {
                    Assert.Equal(ErrorCode.Usage, refused.Code);
                    Assert.Matches("already used|used by another thread", refused.Message);
                }
            }, rounds: 1);
            Assert.Equal(1, succeeded);
            Assert.NotNull(gradient);
            Assert.All(gradient, v => Assert.True(float.IsFinite(v)));
        }
    }

    // The last tensor of a graph may go while a pass is on its way: the pass holds what it walks.
    [Fact]
    public void Graphs_that_share_a_trunk_are_walked_and_let_go_by_several_threads()
    {
        using var w = Tensor.From([1f, 2, 3, 4], (2, 2)).RequireGradient();
        using var x = Tensor.From([1f, -1, 0.5f, 2], (2, 2));
        float[] wanted;
        using (Tensor.Scope())
        {
            using var gradients = (x.MatMul(w).Tanh() * 3).Sum().Backward();
            wanted = gradients[w].ToArray();
        }

        for (var attempt = 0; attempt < 50; attempt++)
        {
            using var trunk = Trunk();
            Together(4, (_, _) =>
            {
                using var scope = Tensor.Scope();
                using var gradients = (trunk * 3).Sum().Backward(retainGraph: true);
                Assert.Equal(wanted, gradients[w].ToArray());
            }, rounds: 4);
        }

        Tensor Trunk()
        {
            using var scope = Tensor.Scope();
            return scope.Keep(x.MatMul(w).Tanh());
        }
    }

    [Fact]
    public void A_pass_that_fails_leaves_the_graph_to_the_next_one()
    {
        using var scope = Tensor.Scope();
        var (x, w) = (Tensor.Ones((64, 1)), Tensor.Ones((1, 8)).RequireGradient());
        var other = Tensor.Ones(1).RequireGradient();
        var y = (x.MatMul(w) * other).Sum();
        var used = other * 2;
        used.Backward().Dispose();
        // One part of this graph is used up already: the pass is refused before it begins, and changes nothing.
        var mixed = y + used;
        var before = TestDevices.Current.Memory;
        Assert.Contains("already used", Assert.Throws<EscException>(() => mixed.Backward()).Message, StringComparison.Ordinal);
        Assert.Equal(before.LiveTensors, TestDevices.Current.Memory.LiveTensors);
        using var gradients = y.Backward();
        Assert.Equal(64, gradients[w].ToArray()[5]);
    }

    [Fact]
    public void Layers_that_count_count_every_batch_of_every_thread()
    {
        using var norm = new BatchNorm2d(3);
        var random = new RandomSource(5);
        using var dropout = new Dropout(0.5, random);
        using var x = Tensor.From([1f, 2, 3, 4, 5, 6], (2, 3));
        Together(8, (_, _) =>
        {
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            norm.Forward(x);
            dropout.Forward(x);
        }, rounds: 200);
        Assert.Equal(1600, norm.BatchesTracked);
        Assert.Equal(1600u * 6, random.Position);
        // All batches are equal: the running mean has gone to theirs as far as 1600 steps take it.
        Assert.Equal([2.5f, 3.5f, 4.5f], norm.RunningMean.ToArray().Select(v => MathF.Round(v, 4)));
    }

    [Fact]
    public void One_leaf_is_made_however_many_threads_ask_for_it()
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            using var x = Tensor.Ones(2);
            var found = 0;
            Together(4, (_, _) =>
            {
                using var scope = Tensor.Scope();
                using var gradients = (x.RequireGradient() * 3).Sum().Backward();
                if (gradients.TryGet(x, out _))
                    Interlocked.Increment(ref found);
            }, rounds: 1);
            Assert.Equal(4, found);
        }
    }

    private static void Together(int threads, Action<int, int> work, int rounds)
    {
        var errors = new Exception?[threads];
        using var start = new Barrier(threads);
        var team = Enumerable.Range(0, threads).Select(me => new Thread(() => errors[me] = Record.Exception(() =>
        {
            start.SignalAndWait();
            for (var round = 0; round < rounds; round++)
                work(me, round);
        }))).ToArray();
        Array.ForEach(team, thread => thread.Start());
        Array.ForEach(team, thread => thread.Join());
        Assert.All(errors, Assert.Null);
    }

    private static byte[][] Pass(Module network, Parameter[] parameters, Shape shape, int batch)
    {
        using var scope = Tensor.Scope();
        var y = network.Forward(Input(shape, batch));
        using var gradients = (y * y).Mean().Backward();
        return Bits(gradients, parameters);
    }

    private static byte[][] Bits(Gradients gradients, Parameter[] parameters) =>
        [.. parameters.Select(p => MemoryMarshal.AsBytes<float>(gradients[p].ToArray()).ToArray())];

    private static Tensor Input(Shape shape, int batch)
    {
        var values = new float[shape.Count];
        new RandomSource((ulong)batch + 1).FillNormal(values);
        return Tensor.From(values, shape);
    }

    private static (Module Network, Shape Input) Network(string name)
    {
        var random = new RandomSource(11);
        return name switch
        {
            "linear" => (new Linear(16, 8, random), new Shape(8, 16)),
            "perceptron" => (new Sequential(new Linear(16, 24, random), new Relu(), new Linear(24, 8, random)), new Shape(8, 16)),
            "convolution" => (new Sequential(new Conv2d(3, 8, 3, random, 2, 1), new Relu(), new Conv2d(8, 4, 1, random)), new Shape(4, 9, 9, 3)),
            "winograd" => (new Sequential(new Conv2d(16, 16, 3, random, 1, 1), new Relu(), new Conv2d(16, 16, 3, random, 1, 1)), new Shape(2, 16, 16, 16)),
            "batch norm, training" => (
                new Sequential(new Conv2d(3, 8, 3, random, 1, 1, bias: false), new BatchNorm2d(8), new Relu()), new Shape(2, 8, 8, 3)),
            "batch norm, evaluation" => (
                new Sequential(new Conv2d(3, 8, 3, random, 1, 1, bias: false), new BatchNorm2d(8), new Relu()) { Training = false },
                new Shape(2, 8, 8, 3)),
            "layer norm" => (new Sequential(new Linear(16, 24, random), new LayerNorm(24), new Activation(UnaryOp.Gelu)), new Shape(8, 16)),
            "attention" => (new Sequential(new Residual(new SelfAttention(16, 2, random)), new LayerNorm(16)), new Shape(2, 6, 16)),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }
}
