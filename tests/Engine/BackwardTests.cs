using EscNative.Engine;

namespace EscNative.Tests.Engine;

public sealed class BackwardTests
{
    private static Tensor Leaf(params float[] values) => Tensor.From(values, values.Length).RequireGradient();

    // Kernels may write a gradient over the one that they read, but only if nobody else reads it.
    [Fact]
    public void A_gradient_that_two_operands_share_is_not_overwritten()
    {
        using var scope = Tensor.Scope();
        var a = Tensor.From([1f, -2, 3], 3).RequireGradient();
        var b = Tensor.From([-1f, 2, 3], 3).RequireGradient();
        var seed = Tensor.From([5f, 6, 7], 3);
        var (first, second) = ((a * 2).Relu() * 3, (b * 4).Relu());
        using var gradients = ((first + second) + b).Backward(seed);
        Assert.Equal([30, 0, 42], gradients[a].ToArray());
        Assert.Equal([5, 30, 35], gradients[b].ToArray());
        Assert.Equal([5, 6, 7], seed.ToArray());
    }

    [Fact]
    public void A_retained_graph_gives_the_gradients_of_several_seeds()
    {
        using var scope = Tensor.Scope();
        var (x, w) = (Tensor.From([1f, 2, 3, 4], (2, 2)), Tensor.From([1f, -1, 0.5f, 2], (2, 2)).RequireGradient());
        var y = x.MatMul(w).Relu() * 2;
        foreach (var row in new[] { 0, 1, 0 })
        {
            using var gradients = y.Backward(Tensor.From((float[])(row == 0 ? [1, 1, 0, 0] : [0, 0, 1, 1]), (2, 2)), retainGraph: true);
            Assert.Equal(row == 0 ? [2, 2, 4, 4] : [6, 6, 8, 8], gradients[w].ToArray());
        }

        using (y.Backward(Tensor.Ones((2, 2))))
        {
        }

        Assert.Throws<EscException>(() => y.Backward(Tensor.Ones((2, 2))));
    }

    [Fact]
    public void A_tensor_used_twice_collects_both_gradients()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(1, -2, 3);
        using var square = (x * x).Sum().Backward();
        Assert.Equal([2, -4, 6], square[x].ToArray());
        using var twice = (x + x).Sum().Backward();
        Assert.Equal([2, 2, 2], twice[x].ToArray());
        using var nothing = (x - x).Sum().Backward();
        Assert.Equal([0, 0, 0], nothing[x].ToArray());
        using var one = (x / x).Sum().Backward();
        Assert.Equal([0, 0, 0], one[x].ToArray());
        using var thrice = ((x * x) + x).Sum().Backward();
        Assert.Equal([3, -3, 7], thrice[x].ToArray());
    }

    // Each level doubles the number of paths, 2^40 in all: every node must be walked once, after all of its users.
    [Fact]
    public void Diamonds_are_walked_once()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.From([1.0], 1).RequireGradient();
        var y = x * 1;
        for (var i = 0; i < 40; i++)
            y = (y * 0.5) + (y * 0.25);
        using var gradients = y.Backward();
        Assert.Equal(Math.Pow(0.75, 40), gradients[x].Item(), 1e-18);
    }

    [Fact]
    public void A_branch_of_another_length_is_waited_for()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(3);
        var shared = x * 2;
        var longer = ((shared + 1) * 3).Square();
        // d/dx (2x + (3 (2x + 1))²) = 2 + 2 · 3 (2x + 1) · 6
        using var gradients = (shared + longer).Backward();
        Assert.Equal([2 + (2 * 21 * 6)], gradients[x].ToArray());
    }

    [Fact]
    public void A_chain_of_ten_thousand_operations_needs_no_deep_stack()
    {
        float[] gradient = [];
        Exception? error = null;
        // A quarter of a megabyte of stack: a recursive walk would end the process.
        var thread = new Thread(() => error = Record.Exception(Chain), 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.Null(error);
        Assert.Equal([1, 1], gradient);

        void Chain()
        {
            using var x = Leaf(1, 2);
            using (Tensor.Scope())
            {
                var y = x + 0;
                for (var i = 0; i < 10_000; i++)
                    y += 1;
                using var gradients = y.Sum().Backward();
                gradient = gradients[x].ToArray();
            }

            // The same graph let go without a backward pass.
            using var scope = Tensor.Scope();
            var last = x + 0;
            for (var i = 0; i < 10_000; i++)
            {
                var next = last + 1;
                last.Dispose();
                last = next;
            }
        }
    }

    [Fact]
    public void A_graph_is_used_up_by_its_backward_pass()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(1, 2);
        var hidden = x.Exp();
        var (first, second) = (hidden.Sum(), hidden.Mean());
        first.Backward().Dispose();
        var error = Assert.Throws<EscException>(() => first.Backward());
        Assert.Contains("already used", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Usage, error.Code);
        // Also where another result shares a part of the graph.
        Assert.Contains("already used", Assert.Throws<EscException>(() => second.Backward()).Message, StringComparison.Ordinal);
        using var again = x.Exp().Sum().Backward();
        Assert.Equal(1, again.Count);
    }

    [Fact]
    public void Backward_releases_what_the_graph_saved()
    {
        using var x = Tensor.Ones(1000).RequireGradient();
        var before = TestDevices.Current.Memory;
        using var y = SumOfExponentials(x);
        Assert.True(TestDevices.Current.Memory.Live > before.Live + 4000, "exp saves its result");
        using var gradients = y.Backward();
        // Left are the scalar and the gradient.
        Assert.Equal(before.LiveTensors + 2, TestDevices.Current.Memory.LiveTensors);

        static Tensor SumOfExponentials(Tensor x)
        {
            using var scope = Tensor.Scope();
            return scope.Keep(x.Exp().Exp().Sum());
        }
    }

    [Fact]
    public void A_graph_without_leaves_says_what_is_missing()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones(1);
        Assert.Contains("RequireGradient", Assert.Throws<EscException>(() => x.Backward()).Message, StringComparison.Ordinal);
        Tensor y;
        using (Tensor.NoGrad())
            y = Leaf(1) * 2;
        Assert.Throws<EscException>(() => y.Backward());
    }

    [Fact]
    public void Only_leaves_that_the_loss_depends_on_have_a_gradient()
    {
        using var scope = Tensor.Scope();
        var (x, unused, constant) = (Leaf(1), Leaf(2), Tensor.Ones(1));
        var hidden = x * 3;
        using var gradients = (hidden * constant).Backward();
        Assert.Equal(1, gradients.Count);
        Assert.True(gradients.TryGet(x, out _));
        foreach (var other in (Tensor[])[unused, constant, hidden])
        {
            Assert.False(gradients.TryGet(other, out _));
            Assert.Throws<EscException>(() => gradients[other]);
        }
    }

    [Fact]
    public void A_leaf_that_is_the_result_gets_the_seed()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(1, 2);
        using var gradients = x.Backward(Tensor.From([5f, 6f], 2));
        Assert.Equal([5, 6], gradients[x].ToArray());
    }

    [Fact]
    public void An_input_and_a_parameter_can_both_be_asked_for()
    {
        using var scope = Tensor.Scope();
        var (image, weight) = (Leaf(1, 2), Leaf(3, 4));
        using var gradients = (image * weight).Sum().Backward();
        Assert.Equal([3, 4], gradients[image].ToArray());
        Assert.Equal([1, 2], gradients[weight].ToArray());
    }

    [Fact]
    public void Detached_values_stop_the_gradient()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(2, 3);
        using var gradients = (x * x.Detach()).Sum().Backward();
        Assert.Equal([2, 3], gradients[x].ToArray());
        Assert.False(x.Detach().RequiresGradient);
    }

    [Fact]
    public void Gradients_outlive_the_scope_and_end_with_their_owner()
    {
        using var x = Leaf(2);
        Gradients gradients;
        using (Tensor.Scope())
            gradients = x.Square().Backward();
        Assert.Equal([4], gradients[x].ToArray());
        gradients.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gradients[x]);
        gradients.Dispose();
    }

    [Fact]
    public void Gradients_do_not_share_memory_that_one_of_them_changes()
    {
        using var scope = Tensor.Scope();
        var (a, b) = (Leaf(1, 1), Leaf(1, 1));
        var seed = Tensor.From([2f, 3f], 2);
        // a's gradient grows in place after b's and the caller's seed were handed the same memory.
        var sum = a + b;
        using var gradients = (sum + (a * 10) + a).Backward(seed);
        Assert.Equal([24, 36], gradients[a].ToArray());
        Assert.Equal([2, 3], gradients[b].ToArray());
        Assert.Equal([2, 3], seed.ToArray());
    }

    [Fact]
    public void A_failing_backward_pass_leaves_nothing_behind()
    {
        using var x = Tensor.Ones((2, 2)).RequireGradient();
        using var y = x.Exp();
        using var seed = Tensor.Ones((2, 2));
        seed.Dispose();
        var before = TestDevices.Current.Memory;
        Assert.Throws<ObjectDisposedException>(() => y.Backward(seed));
        Assert.Equal(before.LiveTensors, TestDevices.Current.Memory.LiveTensors);
        Assert.Equal(before.Live, TestDevices.Current.Memory.Live);
    }

    [Fact]
    public void A_leaf_may_be_disposed_before_the_backward_pass()
    {
        using var x = Leaf(1, 2);
        var other = Leaf(3, 4);
        Tensor y;
        using (var scope = Tensor.Scope())
            y = scope.Keep((x * other).Sum());
        other.Dispose();
        using (y)
        {
            using var gradients = y.Backward();
            Assert.Equal([3, 4], gradients[x].ToArray());
        }
    }

    [Fact]
    public void The_gradient_comes_back_in_the_leafs_type()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(1.5f, 2);
        using var gradients = x.To(DType.F64).Square().Sum().Backward();
        Assert.Equal(DType.F32, gradients[x].DType);
        Assert.Equal([3, 4], gradients[x].ToArray());
    }

    [Fact]
    public void A_gradient_is_contiguous_also_where_it_was_repeated_or_turned()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.From([1f, 2, 3, 4, 5, 6], (2, 3)).RequireGradient();
        using var repeated = x.Sum().Backward();
        Assert.True(repeated[x].IsContiguous);
        Assert.Equal([1, 1, 1, 1, 1, 1], repeated[x].ToArray());
        using var turned = x.Transpose().Backward(Tensor.From([1f, 2, 3, 4, 5, 6], (3, 2)));
        Assert.True(turned[x].IsContiguous);
        Assert.Equal([1, 3, 5, 2, 4, 6], turned[x].ToArray());
    }

    // The slope at a corner, and who gets the gradient of a tie, are conventions: PyTorch's for relu and abs, the first of
    // equals for max.
    [Fact]
    public void Corners_follow_the_stated_rule()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(0, -0f, 2, -2);
        using var relu = x.Relu().Sum().Backward();
        Assert.Equal([0, 0, 1, 0], relu[x].ToArray());
        using var abs = x.Abs().Sum().Backward();
        Assert.Equal([0, 0, 1, -1], abs[x].ToArray());
        var tied = Leaf(1, 5, 5, 2);
        using var max = tied.Max().Backward();
        Assert.Equal([0, 1, 0, 0], max[tied].ToArray());
        var image = Tensor.Full((1, 2, 2, 1), 3).RequireGradient();
        using var pool = image.MaxPool2d(2).Sum().Backward();
        Assert.Equal([1, 0, 0, 0], pool[image].ToArray());
    }
}
