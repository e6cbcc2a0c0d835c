using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

/// <summary>What is read and what is written lie in the same memory: as if the whole source were read first, or an error.</summary>
public sealed class OverlapTests
{
    [Fact]
    public void A_view_is_assigned_to_an_overlapping_one_as_if_it_were_read_first()
    {
        using var scope = Tensor.Scope();
        var up = Tensor.From([1f, 2, 3, 4], 4);
        up.Slice(0, 1, 4).Assign(up.Slice(0, 0, 3));
        Assert.Equal([1, 1, 2, 3], up.ToArray());
        var down = Tensor.From([1f, 2, 3, 4], 4);
        down.Slice(0, 0, 3).Assign(down.Slice(0, 1, 4));
        Assert.Equal([2, 3, 4, 4], down.ToArray());
    }

    // Any two views of one block, against a model: all sizes of slices, steps, and turned squares.
    [Theory]
    [InlineData(7)]
    [InlineData(40)]
    [InlineData(3000)]
    public void Any_two_views_of_one_block_give_what_a_copy_in_between_gives(int n)
    {
        using var scope = Tensor.Scope();
        var random = new Random(n);
        var values = Enumerable.Range(1, n).Select(v => (float)v).ToArray();
        for (var round = 0; round < 60; round++)
        {
            using var inner = Tensor.Scope();
            var x = Tensor.From(values, n);
            var (stepTo, stepFrom) = (random.Next(1, 4), random.Next(1, 4));
            var count = random.Next(1, (n / 4) + 1);
            var (to, from) = (random.Next(n - ((count - 1) * stepTo)), random.Next(n - ((count - 1) * stepFrom)));
            var wanted = (float[])values.Clone();
            for (var i = 0; i < count; i++)
                wanted[to + (i * stepTo)] = values[from + (i * stepFrom)];
            View(x, to, stepTo).Assign(View(x, from, stepFrom));
            Assert.Equal(wanted, x.ToArray());

            Tensor View(Tensor t, int first, int step) => t.Slice(0, first, first + ((count - 1) * step) + 1, step);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(131)]
    public void A_square_may_be_assigned_its_own_transpose(int n)
    {
        using var scope = Tensor.Scope();
        var values = Enumerable.Range(0, n * n).Select(v => (float)v).ToArray();
        var x = Tensor.From(values, (n, n));
        x.Assign(x.Transpose());
        Assert.Equal(Enumerable.Range(0, n * n).Select(i => values[(i % n * n) + (i / n)]), x.ToArray());
        x.Transpose().Assign(x);
        Assert.Equal(values, x.ToArray());
        x.Assign(x);
        x.Transpose().Assign(x.Transpose());
        Assert.Equal(values, x.ToArray());
    }

    [Fact]
    public void Rows_of_a_larger_block_shift_by_one()
    {
        using var scope = Tensor.Scope();
        var values = Enumerable.Range(0, 600 * 50).ToArray();
        var x = Tensor.From(values, (600, 50));
        x.Slice(0, 1, 600).Assign(x.Slice(0, 0, 599));
        Assert.Equal([.. values[..50], .. values[..^50]], x.ToArray<int>());
        // Columns that interleave without touching need nothing special.
        x.Slice(1, 0, 50, 2).Assign(x.Slice(1, 1, 50, 2));
        Assert.Equal(values[1], x.ToArray<int>()[0]);
    }

    [Fact]
    public void A_repeated_value_cannot_be_assigned_to()
    {
        using var scope = Tensor.Scope();
        var one = Tensor.From([1f, 2], (2, 1));
        var repeated = one.Expand((2, 3), "test");
        var error = Assert.Throws<UsageException>(() => repeated.Assign(Tensor.Ones((2, 3))));
        Assert.Contains("Assign", error.Message, StringComparison.Ordinal);
        Assert.Contains("repeat", error.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], one.ToArray());
        // Extents of 1 and of 0 repeat nothing.
        one.Expand((2, 1), "test").Assign(Tensor.Full((2, 1), 5));
        Assert.Equal([5, 5], one.ToArray());
    }

    [Fact]
    public void An_optimizer_refuses_parameters_that_share_memory()
    {
        using var scope = Tensor.Scope();
        var block = Tensor.Ones((4, 3));
        using var tied = new Views(block, block);
        using var overlapping = new Views(block.Slice(0, 0, 3), block.Slice(0, 2, 4));
        using var apart = new Views(block.Slice(0, 0, 2), block.Slice(0, 2, 4));
        using var turned = new Views(block.Transpose(), Tensor.Ones(2));
        foreach (var make in (Func<IEnumerable<Parameter>, Optimizer>[])[p => new Sgd(p, 0.1, momentum: 0.9), p => new Adam(p)])
        {
            foreach (var shared in (IEnumerable<Parameter>[])[
                tied.Parameters, overlapping.Parameters, [apart.Parameters.First(), apart.Parameters.First()]])
            {
                var error = Assert.Throws<UsageException>(() => make(shared));
                Assert.Contains("share memory", error.Message, StringComparison.Ordinal);
                Assert.Contains("Optimizer", error.Message, StringComparison.Ordinal);
            }

            Assert.Contains("contiguous", Assert.Throws<UsageException>(() => make(turned.Parameters)).Message, StringComparison.Ordinal);
            make(apart.Parameters).Dispose();
        }
    }

    [Fact]
    public void An_optimizer_takes_up_its_state_whole_or_not_at_all()
    {
        using var scope = Tensor.Scope();
        using var layer = new Linear(2, 2, new RandomSource(1));
        using var optimizer = new Adam(layer.Parameters);
        var before = optimizer.State.Select(t => t.ToArray()).ToArray();
        var disposed = Tensor.Zeros(optimizer.State[^1].Shape);
        disposed.Dispose();
        foreach (var bad in (Tensor[])[Tensor.Zeros(optimizer.State[^1].Shape, DType.F64), disposed])
        {
            Tensor[] state = [.. optimizer.State.SkipLast(1).Select(t => Tensor.Ones(t.Shape)), bad];
            Assert.ThrowsAny<Exception>(() => optimizer.Restore(3, state));
            Assert.Equal(0, optimizer.Steps);
            Assert.Equal(before, optimizer.State.Select(t => t.ToArray()));
        }
    }

    [Fact]
    public void A_plan_refuses_results_over_its_images_and_over_each_other()
    {
        using var network = new Linear(4, 4, new RandomSource(1));
        using var plan = InferencePlan.Compile(network, 4);
        var buffer = new float[400];
        Assert.Contains(
            "share memory", Assert.Throws<UsageException>(() => plan.Run(buffer.AsSpan(0, 200), buffer.AsSpan(196, 200))).Message, StringComparison.Ordinal);
        plan.Run(buffer.AsSpan(0, 200), buffer.AsSpan(200, 200));
        using var scope = Tensor.Scope();
        var x = Tensor.Ones((100, 4));
        Assert.Contains(
            "share memory", Assert.Throws<UsageException>(() => plan.Run(x.Slice(0, 0, 50), x.Slice(0, 1, 51))).Message, StringComparison.Ordinal);
        plan.Run(x.Slice(0, 0, 50), x.Slice(0, 50, 100));
        var two = new PlanBuilder(network, 4);
        var first = network.Lower(two, two.Input);
        using var both = two.Compile(Device.Default, new PlanOptions(), first, network.Lower(two, first));
        Assert.Contains(
            "share memory",
            Assert.Throws<UsageException>(() => both.Run(new float[200], buffer.AsSpan(0, 200), buffer.AsSpan(100, 200))).Message, StringComparison.Ordinal);
    }

    private sealed class Views : Module
    {
        public Views(Tensor a, Tensor b) => (_, _) = (AddParameter("a", a.Detach()), AddParameter("b", b.Detach()));

        public override Tensor Forward(Tensor x) => x;
    }
}
