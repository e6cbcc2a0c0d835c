using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

public sealed unsafe class StridedCopyTests
{
    // dims, source strides, target strides; both sides as offsets into their own memory.
    public static TheoryData<string, long[], long[], long[]> Views() => new()
    {
        { "contiguous", [4, 5, 6], [30, 6, 1], [30, 6, 1] },
        { "large contiguous", [200_001], [1], [1] },
        { "matrix transposed", [37, 53], [1, 37], [53, 1] },
        { "large matrix transposed", [700, 401], [1, 700], [401, 1] },
        { "batched transposed", [3, 33, 65], [2145, 1, 33], [2145, 65, 1] },
        { "nhwc to nchw", [2, 3, 32, 31], [2976, 1, 93, 3], [2976, 992, 31, 1] },
        { "nchw to nhwc", [2, 32, 31, 3], [2976, 31, 1, 992], [2976, 93, 3, 1] },
        { "heads", [2, 4, 9, 16], [576, 16, 64, 1], [576, 144, 16, 1] },
        { "slice", [5, 3, 4], [60, 10, 1], [12, 4, 1] },
        { "step 2", [5, 7], [28, 2], [7, 1] },
        { "broadcast", [6, 40], [0, 1], [40, 1] },
        { "broadcast inner", [6, 40], [1, 0], [40, 1] },
        { "scatter to a slice", [5, 3, 4], [12, 4, 1], [60, 10, 1] },
        { "scatter to a transpose", [37, 53], [53, 1], [1, 37] },
        { "scatter to steps", [9, 5], [5, 1], [30, 3] },
        { "six dims reversed", [2, 3, 2, 3, 2, 3], [1, 2, 6, 12, 36, 72], [108, 36, 18, 6, 3, 1] },
        { "one value", [1, 1, 1], [5, 5, 5], [9, 9, 9] },
        { "no dims", [], [], [] },
        { "empty", [3, 0, 2], [0, 2, 1], [0, 2, 1] },
    };

    [Theory]
    [MemberData(nameof(Views))]
    public void Copies_every_value_to_its_place_and_no_other(string name, long[] dims, long[] from, long[] to)
    {
        Check<byte>(name, dims, from, to);
        Check<ushort>(name, dims, from, to);
        Check<uint>(name, dims, from, to);
        Check<ulong>(name, dims, from, to);
    }

    [Fact]
    public void A_negative_stride_reverses()
    {
        var source = stackalloc int[] { 1, 2, 3, 4, 5 };
        var target = stackalloc int[5];
        StridedCopy.Copy(source + 4, [-1], target, [1], [5], sizeof(int));
        Assert.Equal([5, 4, 3, 2, 1], new Span<int>(target, 5));
    }

    [Fact]
    public void A_value_size_that_no_type_has_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => StridedCopy.Copy(null, [1], null, [1], [1], 3));

    [Fact]
    public void Seven_dimensions_are_refused() =>
        Assert.Throws<ArgumentException>(() => StridedCopy.Copy(null, new long[7], null, new long[7], new long[7], 4));

    private static void Check<T>(string name, long[] dims, long[] from, long[] to)
        where T : unmanaged
    {
        var count = dims.Aggregate(1L, (n, d) => n * d);
        var random = new Random(5);
        using var source = new GuardedBuffer<T>(Extent(dims, from));
        using var target = new GuardedBuffer<T>(Extent(dims, to));
        random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(source.Span));
        var wanted = target.Span.ToArray();
        for (var i = 0L; i < count; i++)
            wanted[Offset(i, dims, to)] = source.Span[(int)Offset(i, dims, from)];
        StridedCopy.Copy(source.Pointer, from, target.Pointer, to, dims, sizeof(T));
        target.AssertIntact();
        var same = System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(wanted)
            .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(target.Span));
        Assert.True(same, $"{name}, {sizeof(T)} bytes");
    }

    private static long Extent(long[] dims, long[] strides)
    {
        var last = 0L;
        for (var d = 0; d < dims.Length; d++)
            last += Math.Max(0, dims[d] - 1) * strides[d];
        return last + 1;
    }

    private static long Offset(long index, long[] dims, long[] strides)
    {
        var offset = 0L;
        for (var d = dims.Length - 1; d >= 0; d--)
        {
            offset += index % dims[d] * strides[d];
            index /= dims[d];
        }

        return offset;
    }
}
