using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>The GPU's memory pool and its checks.</summary>
public sealed class NativePoolTests
{
    private static readonly string Machine = CudaMachine.Names[0];

    [Fact]
    public void A_block_comes_back_before_its_kernels_have_run_and_is_handed_out_again()
    {
        using var machine = CudaMachine.Use(Machine);
        using var pool = new Pool(machine.Context);
        var first = pool.Blocks.Rent(1000, "test");
        pool.Blocks.Return(first, 1000, late: false);
        // 1,000 and 1,020 bytes are of one size class, 1,025 are not.
        Assert.Equal(first, pool.Blocks.Rent(1020, "test"));
        var second = pool.Blocks.Rent(1025, "test");
        Assert.NotEqual(first, second);
        pool.Blocks.Return(first, 1020, late: true);
        var statistics = pool.Blocks.Statistics;
        Assert.Equal((1280, 1024, 2, 1), (statistics.Live, statistics.Cached, statistics.SystemAllocations, statistics.LateReturns));
        Assert.Equal(0, first & 255);
        pool.Blocks.Return(second, 1025, late: false);
    }

    [Fact]
    public void Checks_poison_what_is_rented_and_notice_what_was_written_around_it()
    {
        using var machine = CudaMachine.Use(Machine);
        using var pool = new Pool(machine.Context, isChecked: true);
        var block = pool.Blocks.Rent(1000, "test");
        Assert.All(machine.Download<byte>(block, 1000), value => Assert.Equal(0xFF, value));
        var before = CudaMemoryPool.Violations;
        pool.Blocks.Return(block, 1000, late: false);
        Assert.Equal(before, CudaMemoryPool.Violations);
        foreach (var (at, violates) in new (int, bool)[] { (-1, true), (0, false), (999, false), (1000, true), (1023, true) })
        {
            before = CudaMemoryPool.Violations;
            block = pool.Blocks.Rent(1000, "test");
            machine.Context.Upload([1], block + at);
            pool.Blocks.Return(block, 1000, late: false);
            Assert.Equal((at, violates ? 1 : 0), (at, CudaMemoryPool.Violations - before));
        }

        Tests.Engine.NoLeaksAttribute.ForgiveViolations(3);
    }

    private sealed class Pool : IDisposable
    {
        public Pool(CudaContext context, bool isChecked = false)
        {
            var was = CudaMemoryPool.Checked;
            CudaMemoryPool.Checked = isChecked;
            Blocks = new CudaMemoryPool(context);
            CudaMemoryPool.Checked = was;
        }

        public CudaMemoryPool Blocks { get; }

        public void Dispose() => Blocks.Trim();
    }
}
