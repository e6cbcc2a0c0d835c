using EscNative.Engine;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

public sealed class NamedArrayTensorsTests
{
    [Fact]
    public void A_tensor_goes_there_and_back()
    {
        using var scope = Tensor.Scope();
        foreach (var tensor in (Tensor[])[Tensor.From([1f, 2f, 3f, 4f, 5f, 6f], (2, 3)), Tensor.From([0.1], 1), Tensor.From([-7, 8], 2), Tensor.From((byte[])[0, 255], 2)])
        {
            var array = tensor.ToNamedArray("x");
            Assert.Equal(tensor.Shape.ToArray(), array.Shape);
            var back = array.ToTensor();
            Assert.Equal(tensor.DType, back.DType);
            Assert.Equal(tensor.Shape, back.Shape);
            Assert.Equal(array.Data.ToArray(), back.ToNamedArray("x").Data.ToArray());
        }
    }

    [Fact]
    public void Narrow_types_widen_and_wide_integers_are_checked()
    {
        using var scope = Tensor.Scope();
        Assert.Equal([1f], new NamedArray("h", ArrayType.F16, [1], new byte[] { 0, 0x3c }).ToTensor().ToArray());
        Assert.Equal([7], NamedArray.From("n", [], [7L]).ToTensor().ToArray<int>());
        Assert.Equal([1, 0], new NamedArray("b", ArrayType.Bool, [2], new byte[] { 1, 0 }).ToTensor().ToArray<byte>());
        var failure = Assert.Throws<EscException>(() => NamedArray.From("big", [1], [1L << 31]).ToTensor());
        Assert.Equal(ErrorCode.BadInput, failure.Code);
        Assert.Contains("'big'", failure.Message, StringComparison.Ordinal);
    }
}
