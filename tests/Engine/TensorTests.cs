using EscNative.Engine;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

public sealed class TensorTests
{
    [Fact]
    public void Values_go_in_and_come_out_in_row_major_order()
    {
        using var scope = Tensor.Scope();
        Assert.Equal([1f, 2, 3, 4, 5, 6], Tensor.From([1f, 2, 3, 4, 5, 6], (2, 3)).ToArray());
        Assert.Equal([1.5, 2.5], Tensor.From([1.5, 2.5], 2).ToArray<double>());
        Assert.Equal([1, -2], Tensor.From([1, -2], 2).ToArray<int>());
        Assert.Equal(new byte[] { 1, 255 }, Tensor.From(new byte[] { 1, 255 }, 2).ToArray<byte>());
        Assert.Equal([1f, 4, 2, 5, 3, 6], Tensor.From([1f, 2, 3, 4, 5, 6], (2, 3)).Transpose().ToArray());
        Assert.Empty(Tensor.From(Array.Empty<float>(), (0, 3)).ToArray());
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F64)]
    [InlineData(DType.I32)]
    [InlineData(DType.U8)]
    [InlineData(DType.BF16)]
    public void Filled_tensors_hold_their_value_in_every_type(DType type)
    {
        using var scope = Tensor.Scope();
        Assert.Equal(3, Tensor.Full(new Shape(), 3, type).Item());
        Assert.Equal(0, Tensor.Zeros(1, type).Item());
        Assert.Equal(1, Tensor.Ones((1, 1), type).Item());
        Assert.Equal(2, Tensor.Scalar(2, type).Item());
        Assert.Equal(0, Tensor.Scalar(2, type).Shape.Rank);
        Assert.Equal(5, Tensor.Full((2, 3, 4), 5, type).To(DType.F64).Slice(0, 1, 2).Slice(1, 2, 3).Slice(2, 3, 4).Item());
    }

    [Fact]
    public void Types_convert_into_each_other()
    {
        using var scope = Tensor.Scope();
        var values = Tensor.From([0f, 1, 2.5f, -3.75f, 255], 5);
        Assert.Equal([0, 1, 2.5, -3.75, 255], values.To(DType.F64).ToArray<double>());
        Assert.Equal([0f, 1, 2.5f, -3.75f, 255], values.To(DType.F64).To(DType.F32).ToArray());
        Assert.Equal([0f, 1, 200], Tensor.From(new byte[] { 0, 1, 200 }, 3).To(DType.F32).ToArray());
        Assert.Equal([7f, -8], Tensor.From([7, -8], 2).To(DType.F32).ToArray());
        // 1 + 2^-8 lies between two bfloat16 numbers and goes to the even one, 1; 1 + 3 2^-8 to 1 + 2^-6.
        Assert.Equal([1f, 1.015625f, -3.75f], Tensor.From([1.00390625f, 1.01171875f, -3.75f], 3).To(DType.BF16).To(DType.F32).ToArray());
    }

    [Fact]
    public void Strides_follow_the_views()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.From(Enumerable.Range(0, 24).ToArray(), (2, 3, 4));
        Assert.Equal([12, 4, 1], StridesOf(x));
        Assert.True(x.IsContiguous);
        var turned = x.Permute(2, 0, 1);
        Assert.Equal([1, 12, 4], StridesOf(turned));
        Assert.Equal(new Shape(4, 2, 3), turned.Shape);
        Assert.False(turned.IsContiguous);
        var sliced = x.Slice(1, 1, 3, 2).Slice(2, 1, 4);
        Assert.Equal([12, 8, 1], StridesOf(sliced));
        Assert.Equal(5, sliced.Offset);
        Assert.Equal([5, 6, 7, 17, 18, 19], sliced.ToArray<int>());
        // Extents of 1 have a stride that nobody uses, and rows at the end lie in order.
        Assert.True(x.Slice(0, 1, 2).IsContiguous);
        Assert.Equal(Enumerable.Range(12, 12), x.Slice(0, 1, 2).ToArray<int>());
        Assert.True(x.Slice(0, 1, 1).Transpose().IsContiguous);

        static long[] StridesOf(Tensor t) => [.. Enumerable.Range(0, t.Shape.Rank).Select(i => t.Strides[i])];
    }

    [Fact]
    public void Views_copy_nothing_and_reshape_copies_only_where_it_must()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones((4, 6));
        using var call = KernelCall.Begin();
        Assert.Equal(x.Pointer, x.Reshape(2, 12).Pointer);
        Assert.Equal(x.Pointer, x.Transpose().Pointer);
        Assert.Equal(x.Pointer + (6 * 4), x.Slice(0, 1, 3).Reshape(12).Pointer);
        Assert.NotEqual(x.Pointer, x.Transpose().Reshape(24).Pointer);
        Assert.NotEqual(x.Pointer, x.Clone().Pointer);
        Assert.Equal(x.Pointer, x.Contiguous().Pointer);
        Assert.NotEqual(x.Pointer, x.Transpose().Contiguous().Pointer);
    }

    // An operation's result is the caller's to dispose, also where there was nothing to do.
    [Fact]
    public void Results_are_tensors_of_their_own()
    {
        using var x = Tensor.Ones(3).RequireGradient();
        Func<Tensor, Tensor>[] identities =
        [
            t => t.Contiguous(), t => t.To(DType.F32), t => t.Dropout(0, 1), t => t.Reshape(3), t => t.Sum([]), t => t.Slice(0, 0, 3),
            t => t.Detach(), t => t.Clone(),
        ];
        foreach (var identity in identities)
        {
            identity(x).Dispose();
            Assert.False(x.IsDisposed);
        }

        using var same = x.Contiguous();
        Assert.True(same.RequiresGradient);
        using var square = same.Square();
        using var sum = square.Sum();
        using var gradients = sum.Backward();
        Assert.Equal([2, 2, 2], gradients[x].ToArray());
    }

    [Fact]
    public void Values_can_be_overwritten_from_the_host()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Zeros((2, 2));
        x.CopyFrom<float>([1, 2, 3, 4]);
        Assert.Equal([1, 2, 3, 4], x.ToArray());
        // A contiguous view writes to the memory that it shares.
        x.Slice(0, 1, 2).CopyFrom<float>([7, 8]);
        Assert.Equal([1, 2, 7, 8], x.ToArray());
    }

    [Fact]
    public void A_disposed_tensor_says_so_everywhere()
    {
        var x = Tensor.Ones((2, 2));
        x.Dispose();
        x.Dispose();
        Assert.True(x.IsDisposed);
        Assert.Equal("F32 [2, 2] (disposed)", x.ToString());
        Action[] uses =
        [
            () => x.ToArray(), () => x.CopyFrom<float>([1, 2, 3, 4]), () => x.Slice(0, 0, 1).Slice(1, 0, 1).Item(), () => x.Detach(),
            () => x.RequireGradient(), () => x.Backward(), () => x.Clone(), () => x.To(DType.F32), () => x.Sum([]), () => x.Permute(1, 0),
        ];
        foreach (var use in uses)
            Assert.Contains("[2, 2] was disposed", Assert.Throws<ObjectDisposedException>(use).Message, StringComparison.Ordinal);
        Assert.False(x.RequiresGradient);
    }

    [Fact]
    public void A_tensor_prints_what_it_is()
    {
        using var x = Tensor.Ones((2, 3), DType.F64);
        Assert.Equal($"F64 [2, 3] on {TestDevices.Current.Name}", x.ToString());
    }

    [Fact]
    public void Shapes_compare_and_print()
    {
        Shape matrix = (2, 3);
        Assert.Equal(new Shape(2, 3), matrix);
        Assert.NotEqual(new Shape(2, 3, 1), matrix);
        Assert.NotEqual(new Shape(3, 2), matrix);
        Assert.Equal(matrix.GetHashCode(), new Shape(2, 3).GetHashCode());
        Assert.True(matrix == (2, 3) && matrix != (3, 2) && !matrix.Equals("[2, 3]"));
        Assert.Equal("[2, 3]", matrix.ToString());
        Assert.Equal("[]", new Shape().ToString());
        Assert.Equal(1, new Shape().Count);
        Assert.Equal(0, new Shape(3, 0, 2).Count);
        Assert.Equal((3, 2), (matrix[^1], matrix[0]));
        Assert.Equal([2, 5], matrix.With(-1, 5).ToArray());
        Assert.Equal(1L << 40, new Shape(1 << 20, 1 << 20).Count);
    }

    // The graph's own rule for a maximum or an index: the first NaN wins, so that it is not hidden.
    [Fact]
    public void Not_a_number_is_not_lost()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.From([1f, float.NaN, 3, float.NaN], 4);
        Assert.True(double.IsNaN(x.Max().Item()));
        Assert.Equal(1, x.ArgMax().Item());
        Assert.True(double.IsNaN(x.Sum().Item()));
        Assert.True(float.IsNaN(x.Relu().ToArray()[1]));
    }
}
