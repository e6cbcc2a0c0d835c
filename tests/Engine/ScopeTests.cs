using EscNative.Engine;

namespace EscNative.Tests.Engine;

public sealed class ScopeTests
{
    private static long Live => TestDevices.Current.Memory.LiveTensors;

    [Fact]
    public void A_scope_disposes_what_was_made_inside_it()
    {
        using var outside = Tensor.Ones(3);
        Tensor inside;
        using (Tensor.Scope())
        {
            inside = outside + 1;
            Assert.False(inside.IsDisposed);
        }

        Assert.True(inside.IsDisposed);
        Assert.False(outside.IsDisposed);
    }

    [Fact]
    public void A_kept_tensor_belongs_to_the_scope_outside_then_to_the_caller()
    {
        Tensor kept;
        Tensor dropped;
        using (var outer = Tensor.Scope())
        {
            using (var inner = Tensor.Scope())
            {
                kept = inner.Keep(Tensor.Ones(2));
                dropped = inner.Keep(Tensor.Ones(2));
            }

            Assert.False(kept.IsDisposed);
            Assert.False(dropped.IsDisposed);
            outer.Keep(kept);
        }

        Assert.True(dropped.IsDisposed);
        Assert.False(kept.IsDisposed);
        kept.Dispose();
    }

    [Fact]
    public void Keeping_a_tensor_of_an_outer_scope_leaves_it_there()
    {
        Tensor outerTensor;
        using (Tensor.Scope())
        {
            outerTensor = Tensor.Ones(2);
            using (var inner = Tensor.Scope())
                Assert.Same(outerTensor, inner.Keep(outerTensor));
            Assert.False(outerTensor.IsDisposed);
        }

        Assert.True(outerTensor.IsDisposed);
    }

    [Fact]
    public void A_persistent_tensor_leaves_its_scope()
    {
        Tensor tensor;
        using (Tensor.Scope())
        {
            using (Tensor.Scope())
                tensor = Tensor.Ones(2).Persist();
        }

        Assert.False(tensor.IsDisposed);
        tensor.Dispose();
    }

    [Fact]
    public void An_exception_ends_the_scopes_that_it_leaves()
    {
        var before = Live;
        using var x = Tensor.Ones((2, 3));
        Assert.Throws<ShapeException>(() =>
        {
            using var outer = Tensor.Scope();
            var y = x + 1;
            using var inner = Tensor.Scope();
            _ = (y * 2).MatMul(x);
        });
        Assert.Equal(before + 1, Live);
        // And the thread is outside of every scope again.
        using var after = x + 1;
        Assert.Null(after.Owner);
    }

    [Fact]
    public void Ending_a_scope_twice_does_not_end_the_one_outside()
    {
        using var outer = Tensor.Scope();
        var inner = Tensor.Scope();
        inner.Dispose();
        inner.Dispose();
        var x = Tensor.Ones(2);
        // The next scope uses the list of the one that ended: its handle must not end this one either.
        using (Tensor.Scope())
        {
            var y = Tensor.Ones(2);
            inner.Dispose();
            Assert.False(y.IsDisposed);
        }

        Assert.NotNull(x.Owner);
    }

    [Fact]
    public void Ending_a_scope_ends_the_open_ones_inside_it()
    {
        var outer = Tensor.Scope();
        var inner = Tensor.Scope();
        var x = Tensor.Ones(2);
        outer.Dispose();
        Assert.True(x.IsDisposed);
        inner.Dispose();
        using var y = Tensor.Ones(2);
        Assert.Null(y.Owner);
    }

    [Fact]
    public void A_long_scope_forgets_tensors_that_were_disposed_inside_it()
    {
        using var scope = Tensor.Scope();
        var kept = Enumerable.Range(0, 10).Select(_ => Tensor.Ones(1)).ToArray();
        for (var i = 0; i < 100_000; i++)
            Tensor.Ones(1).Dispose();
        Assert.InRange(kept[0].Owner!.Count, 10, 2000);
        Assert.All(kept, t => Assert.False(t.IsDisposed));
    }

    [Fact]
    public void A_scope_ends_only_tensors_of_its_own_thread()
    {
        using var scope = Tensor.Scope();
        Tensor? other = null;
        var thread = new Thread(() => other = Tensor.Ones(2));
        thread.Start();
        thread.Join();
        Assert.Null(other!.Owner);
        other.Dispose();
    }

    [Fact]
    public void No_gradient_scopes_nest_and_end_once()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones(2).RequireGradient();
        var outer = Tensor.NoGrad();
        var inner = Tensor.NoGrad();
        inner.Dispose();
        inner.Dispose();
        Assert.False((x + 1).RequiresGradient);
        outer.Dispose();
        outer.Dispose();
        Assert.True((x + 1).RequiresGradient);
        using (Tensor.NoGrad())
            Assert.False((x + 1).RequiresGradient);
        Assert.True((x + 1).RequiresGradient);
    }

    [Fact]
    public void No_gradient_scopes_concern_their_own_thread()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones(2).RequireGradient();
        using var noGrad = Tensor.NoGrad();
        var recorded = false;
        var thread = new Thread(() =>
        {
            using var y = x + 1;
            recorded = y.RequiresGradient;
        });
        thread.Start();
        thread.Join();
        Assert.True(recorded);
    }

    // Forward passes in several threads share the parameters' leaves.
    [Fact]
    public void Threads_may_run_forward_with_the_same_leaf()
    {
        using var x = Tensor.Ones(8).RequireGradient();
        var threads = Enumerable.Range(0, 4).Select(i => new Thread(() =>
        {
            for (var pass = 0; pass < 2000; pass++)
            {
                using var scope = Tensor.Scope();
                _ = (x * 2) + x;
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        using var y = x * 2;
        using var seed = Tensor.Ones(8);
        using var gradients = y.Backward(seed);
        Assert.Equal(Enumerable.Repeat(2f, 8), gradients[x].ToArray());
    }
}
