using Xunit.Sdk;

namespace EscNative.Tests.Kernels;

public sealed unsafe class GuardedBufferTests
{
    [Fact]
    public void Starts_as_poison_and_intact()
    {
        using var buffer = new GuardedBuffer<float>(37);
        foreach (var value in buffer.Span)
            Assert.True(float.IsNaN(value));
        Assert.Equal(0, (nint)buffer.Pointer % 64);
        buffer.AssertIntact();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    [InlineData(-64)]
    [InlineData(68)]
    public void A_write_outside_is_caught(int index)
    {
        using var buffer = new GuardedBuffer<float>(5);
        buffer.Pointer[index] = 1;
        Assert.ThrowsAny<XunitException>(buffer.AssertIntact);
    }

    [Fact]
    public void Holds_the_given_values()
    {
        using var buffer = new GuardedBuffer<double>([1, 2, 3]);
        Assert.Equal([1.0, 2, 3], buffer.Span.ToArray());
        buffer.AssertIntact();
    }

    [Fact]
    public void An_empty_buffer_has_guards_too()
    {
        using var buffer = new GuardedBuffer<byte>(0);
        buffer.AssertIntact();
        buffer.Pointer[0] = 1;
        Assert.ThrowsAny<XunitException>(buffer.AssertIntact);
    }
}
