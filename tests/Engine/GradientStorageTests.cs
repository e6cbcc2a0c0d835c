using System.Runtime.InteropServices;
using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>A gradient has memory of its own: whoever changes one changes nothing else.</summary>
public sealed class GradientStorageTests
{
    public static TheoryData<string, Layout, string> Rows()
    {
        var rows = new TheoryData<string, Layout, string>();
        foreach (var c in OperationCases.All.Where(c => c.Inputs.Any(i => i.IsDifferentiable)))
        {
            foreach (var layout in (Layout[])[Layout.Contiguous, Layout.Strided])
            {
                foreach (var device in TestDevices.Names)
                    rows.Add(c.Name, layout, device);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void No_two_gradients_of_an_operation_share_memory_nor_with_anything_else(string name, Layout layout, string device)
    {
        using var operation = new Operation(name, layout, DType.F32, device);
        using var scope = Tensor.Scope();
        var operands = operation.Leaves.Select(leaf => layout.ToView(leaf)).ToArray();
        var y = operation.Case.Run(operands);
        // The seed lies as a user's would: in memory that he goes on using.
        var seed = operation.Prepared.Weights.ToTensor(y.DType, TestDevices.Get(device));
        using var gradients = y.Backward(seed, retainGraph: true);
        using var again = y.Backward(seed, retainGraph: true);
        AssertApart(
            [.. OfLeaves(gradients), .. OfLeaves(again)],
            [.. operation.Leaves.Select((leaf, i) => ($"operand {i}", leaf)), ("the result", y), ("the seed", seed)]);

        IEnumerable<(string, Tensor)> OfLeaves(Gradients found) => operation.Leaves
            .Select((leaf, i) => ($"gradient {i}", found.TryGet(leaf, out var gradient) ? gradient : null))
            .Where(entry => entry.Item2 is not null)!;
    }

    [Fact]
    public void The_gradients_of_a_sum_are_two()
    {
        using var scope = Tensor.Scope();
        var (a, b, w) = (Leaf(1, 2), Leaf(3, 4), Leaf(5, 6));
        using var gradients = ((a + b) * w).Sum().Backward();
        gradients[a].Assign(Tensor.Full(2, 100));
        Assert.Equal([5, 6], gradients[b].ToArray());
        Assert.Equal([4, 6], gradients[w].ToArray());
        Assert.Equal([5, 6], w.ToArray());
    }

    // Every way in which a gradient passes on unchanged.
    [Fact]
    public void Gradients_that_pass_through_unchanged_are_apart()
    {
        using var scope = Tensor.Scope();
        Dictionary<string, Func<Tensor, Tensor, Tensor>> ways = new()
        {
            ["sum"] = (a, b) => a + b,
            ["affine"] = (a, b) => (a + 1) + (b + 2),
            ["difference"] = (a, b) => b - a,
            ["reshape"] = (a, b) => a.Reshape(4).Reshape(2, 2) + b.Reshape(2, 2),
            ["clone"] = (a, b) => a.Clone() + b.Contiguous(),
            ["permute"] = (a, b) => a.Transpose() + b.Transpose(),
            ["concat"] = (a, b) => Tensor.Concat([a, b, a], 0),
            ["pad"] = (a, b) => a.Pad(0, 0, 2) + Tensor.Concat([b, b], 0),
            ["same type"] = (a, b) => a.To(DType.F32) + b.To(b.Device),
            ["whole slice"] = (a, b) => a.Slice(0, 0, 2) + b.Slice(1, 0, 2),
            ["no reduction"] = (a, b) => a.Sum([]) + b.Mean([]),
            ["twice the same"] = (a, b) => a + b + a + b,
            ["no dropout"] = (a, b) => a.Dropout(0, 1) + b,
            ["cross-over"] = (a, b) => (a + b) + (b + a),
        };
        foreach (var (name, way) in ways)
        {
            var (a, b) = (Tensor.From([1f, 2, 3, 4], (2, 2)).RequireGradient(), Tensor.From([5f, 6, 7, 8], (2, 2)).RequireGradient());
            var y = way(a, b);
            var seed = Tensor.Ones(y.Shape);
            foreach (var retain in new[] { true, false })
            {
                using var gradients = y.Backward(seed, retain);
                AssertApart(
                    [($"{name}: a's gradient", gradients[a]), ($"{name}: b's gradient", gradients[b])],
                    [("a", a), ("b", b), ("the result", y), ("the seed", seed)]);
            }
        }
    }

    [Fact]
    public void A_leaf_that_is_the_result_gets_a_copy_of_the_seed()
    {
        using var scope = Tensor.Scope();
        var (x, seed) = (Leaf(1, 2), Tensor.From([5f, 6], 2));
        using var gradients = x.Backward(seed);
        AssertApart([("the gradient", gradients[x])], [("the leaf", x), ("the seed", seed)]);
    }

    // A copy is made where memory is shared, and nowhere else: of the two gradients of a sum one takes it over.
    [Fact]
    public void Memory_that_nobody_else_holds_is_taken_over()
    {
        const int Bytes = 4 << 16;
        using var scope = Tensor.Scope();
        var (a, b, c) = (Tensor.Ones(1 << 16).RequireGradient(), Tensor.Ones(1 << 16).RequireGradient(), Tensor.Ones(1 << 16));
        var product = a * c;
        var sum = (a + b) * c;
        var one = Peak(() => product.Backward(c));
        Assert.InRange(one, Bytes, Bytes + 4096);
        var two = Peak(() => sum.Backward(c));
        Assert.InRange(two, 2 * Bytes, (2 * Bytes) + 4096);

        long Peak(Func<Gradients> pass)
        {
            TestDevices.Current.ResetPeak();
            var before = TestDevices.Current.Memory.Live;
            using var gradients = pass();
            return TestDevices.Current.Memory.Peak - before;
        }
    }

    private static Tensor Leaf(params float[] values) => Tensor.From(values, values.Length).RequireGradient();

    /// <summary>Overwrites the gradients one after another and looks at the memory of all the rest, bit by bit.</summary>
    private static void AssertApart((string Name, Tensor Tensor)[] gradients, (string Name, Tensor Tensor)[] others)
    {
        (string Name, Tensor Tensor)[] all = [.. gradients, .. others];
        foreach (var (name, gradient) in gradients)
        {
            Assert.All(all, other => Assert.True(
                other.Tensor == gradient || other.Tensor.Storage != gradient.Storage, $"{name} shares the memory of {other.Name}"));
            var before = all.Select(entry => Bits(entry.Tensor)).ToArray();
            using (var values = Tensor.Full(gradient.Shape, -77, gradient.DType, gradient.Device))
                gradient.Assign(values);
            for (var i = 0; i < all.Length; i++)
            {
                if (all[i].Tensor != gradient)
                    Assert.True(before[i].AsSpan().SequenceEqual(Bits(all[i].Tensor)), $"overwriting {name} changes {all[i].Name}");
            }
        }
    }

    private static byte[] Bits(Tensor tensor) => tensor.DType switch
    {
        DType.F32 => MemoryMarshal.AsBytes<float>(tensor.ToArray<float>()).ToArray(),
        DType.F64 => MemoryMarshal.AsBytes<double>(tensor.ToArray<double>()).ToArray(),
        _ => MemoryMarshal.AsBytes<int>(tensor.ToArray<int>()).ToArray(),
    };
}
