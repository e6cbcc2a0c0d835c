using System.Runtime.CompilerServices;
using EscNative.Engine;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

public sealed class MemoryTests
{
    private static MemoryStatistics Memory => TestDevices.Current.Memory;

    [Fact]
    public void A_freed_block_is_used_again()
    {
        Tensor.Ones(12_345).Dispose();
        var before = Memory;
        using (Tensor.Ones(12_345))
        {
            Assert.Equal(before.SystemAllocations, Memory.SystemAllocations);
            Assert.Equal(before.Cached - (Memory.Live - before.Live), Memory.Cached);
        }

        Assert.Equal(before, Memory with { Peak = before.Peak });
    }

    [Fact]
    public void Trim_gives_the_cache_back()
    {
        Tensor.Ones(10_000).Dispose();
        Assert.True(Memory.Cached >= 40_000);
        TestDevices.Current.Trim();
        Assert.Equal(0, Memory.Cached);
        var before = Memory.SystemAllocations;
        Tensor.Ones(10_000).Dispose();
        Assert.Equal(before + 1, Memory.SystemAllocations);
    }

    [Fact]
    public void The_peak_is_the_largest_sum_of_live_blocks()
    {
        TestDevices.Current.ResetPeak();
        var start = Memory;
        Assert.Equal(start.Live, start.Peak);
        using (Tensor.Ones(1 << 16))
            Tensor.Ones(1 << 16).Dispose();
        Tensor.Ones(1 << 16).Dispose();
        Assert.Equal(start.Live + (2 * 4 << 16), Memory.Peak);
        TestDevices.Current.ResetPeak();
        Assert.Equal(start.Live, Memory.Peak);
    }

    [Theory]
    [InlineData(0, 256)]
    [InlineData(1, 256)]
    [InlineData(256, 256)]
    [InlineData(257, 512)]
    [InlineData(1 << 20, 1 << 20)]
    [InlineData((1 << 20) + 1, (1 << 20) + (1 << 18))]
    public void A_size_class_holds_the_size(long bytes, long size) => Assert.Equal(size, MemoryPool.SizeClass(bytes));

    [Fact]
    public void Size_classes_waste_at_most_a_quarter()
    {
        for (var bytes = 4097L; bytes < 1L << 40; bytes += (bytes / 7) + 13)
        {
            var size = MemoryPool.SizeClass(bytes);
            Assert.True(size >= bytes && size <= bytes * 1.25, $"{bytes} bytes in {size}");
            Assert.Equal(size, MemoryPool.SizeClass(size));
        }
    }

    [Fact]
    public void Views_share_memory_and_the_last_one_frees_it()
    {
        var before = Memory.Live;
        var x = Tensor.From([1f, 2, 3, 4], (2, 2));
        var one = Memory.Live;
        var row = x.Slice(0, 1, 2);
        var turned = x.Transpose();
        Assert.Equal(one, Memory.Live);
        x.Dispose();
        turned.Dispose();
        Assert.Equal([3, 4], row.ToArray());
        Assert.Equal(one, Memory.Live);
        row.Dispose();
        Assert.Equal(before, Memory.Live);
    }

    // 2^55 bytes are more than an address has bits for: no system can promise them.
    [Fact]
    public void More_memory_than_there_is_gives_a_typed_exception_and_harms_nothing()
    {
        using var x = Tensor.Ones(100);
        var before = Memory;
        var error = Assert.Throws<DeviceOutOfMemoryException>(() => Tensor.Zeros((1 << 20, 1 << 20, 1 << 13)));
        Assert.Equal(ErrorCode.OutOfResources, error.Code);
        Assert.Equal("Full", error.Operation);
        Assert.Equal(1L << 55, error.Requested);
        Assert.Equal(before.Live, error.Live);
        Assert.Contains("Full", error.Message, StringComparison.Ordinal);
        // The cache was given back in the attempt, nothing else changed.
        Assert.Equal(before with { Cached = 0 }, Memory);
        using var sum = x.Sum();
        Assert.Equal(100, sum.Item());
    }

    // The system would promise this much, and end the process that touches it.
    [Fact]
    public void More_memory_than_the_machine_has_is_refused()
    {
        var before = Memory;
        var half = (int)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8 >> 20) + 1;
        var error = Assert.Throws<DeviceOutOfMemoryException>(() => Tensor.Zeros((2 * half, 1 << 20)));
        Assert.InRange(error.Free, 0, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        Assert.Equal(before.Live, Memory.Live);
    }

    [Fact]
    public void An_operation_that_runs_out_of_memory_names_itself()
    {
        using var scope = Tensor.Scope();
        var (column, row) = (Tensor.Ones((1 << 23, 1)), Tensor.Ones((1, 1 << 23)));
        var before = Memory;
        Assert.Equal("Add", Assert.Throws<DeviceOutOfMemoryException>(() => column + row).Operation);
        Assert.Equal("MatMul", Assert.Throws<DeviceOutOfMemoryException>(() => column.MatMul(row)).Operation);
        Assert.Equal(before.LiveTensors, Memory.LiveTensors);
        Assert.Equal(before.Live, Memory.Live);
    }

    [Fact]
    public void A_forgotten_tensor_comes_back_late_and_is_counted()
    {
        var before = Memory;
        Forget();
        for (var i = 0; i < 10 && Memory.LateReturns == before.LateReturns; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        NoLeaksAttribute.ForgiveLateReturn();
        Assert.Equal(before.LateReturns + 1, Memory.LateReturns);
        Assert.Equal(before.Live, Memory.Live);
        Assert.Equal(before.LiveTensors, Memory.LiveTensors);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget() => _ = Tensor.Ones((8, 8)).Transpose();
    }

    [Fact]
    public void A_write_out_of_bounds_is_a_violation()
    {
        static long Violations() => CpuMemoryPool.Violations + CudaMemoryPool.Violations;
        var before = Violations();
        var x = Tensor.Ones(3);
        Damage(AddressOf(x) + (3 * sizeof(float)));
        x.Dispose();
        Assert.Equal(before + 1, Violations());
        var y = Tensor.Ones(3);
        Damage(AddressOf(y) - sizeof(float));
        y.Dispose();
        Assert.Equal(before + 2, Violations());
        NoLeaksAttribute.ForgiveViolations(2);
    }

    private static nint AddressOf(Tensor x)
    {
        using var call = KernelCall.Begin();
        return x.Pointer;
    }

    private static unsafe void Damage(nint address)
    {
        if (TestDevices.Current.Backend is CudaBackend cuda)
            cuda.Context.Stream.Fill(address, 0, sizeof(float));
        else
            *(float*)address = 0;
    }

    [Fact]
    public void Fresh_memory_holds_no_old_values()
    {
        Tensor.Ones(64).Dispose();
        using var y = Tensor.Allocate(TestDevices.Current, DType.F32, 64, "test");
        Assert.All(y.ToArray(), v => Assert.True(float.IsNaN(v)));
    }
}
