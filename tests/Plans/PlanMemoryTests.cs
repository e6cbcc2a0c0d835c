using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Tests.Cuda;
using EscNative.Tests.Engine;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.Plans;

/// <summary>The working memory of plans: for as many threads as there are, all of it or none, and none left behind.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class PlanMemoryTests
{
    private const int Images = 64;
    private const int OutOfMemory = 2;

    [Fact]
    public void The_number_of_threads_may_change_while_plans_run() => CpuThreads.ForEach([1], _ =>
    {
        using var network = Network();
        using var plan = InferencePlan.Compile(network, (6, 6, 3), Device.Cpu, new PlanOptions { ImagesPerChunk = 1 });
        var (images, wanted) = (Values(Images * 108), new float[Images * 4]);
        plan.Run(images, wanted);
        var errors = new Exception?[3];
        var stop = 0;
        var callers = Enumerable.Range(0, errors.Length).Select(i => new Thread(() => errors[i] = Record.Exception(() =>
        {
            var got = new float[wanted.Length];
            while (Volatile.Read(ref stop) == 0)
            {
                plan.Run(images, got);
                Assert.Equal(wanted, got);
            }
        }))).ToArray();
        Array.ForEach(callers, caller => caller.Start());
        var random = new Random(4);
        var until = DateTime.UtcNow.AddMilliseconds(500);
        while (DateTime.UtcNow < until && errors.All(e => e is null))
        {
            CpuParallel.Threads = random.Next(1, 9);
            Thread.SpinWait(random.Next(2000));
        }

        Volatile.Write(ref stop, 1);
        Array.ForEach(callers, caller => caller.Join());
        Assert.All(errors, Assert.Null);
    });

    // At the worst moment: arenas for two threads are being rented, and there are eight when the work begins.
    [Fact]
    public void More_threads_than_there_were_arenas_for_take_no_part() => CpuThreads.ForEach([1], _ =>
    {
        using var network = Network();
        var (images, wanted, got) = (Values(Images * 108), new float[Images * 4], new float[Images * 4]);
        using (var plan = InferencePlan.Compile(network, (6, 6, 3), Device.Cpu))
            plan.Run(images, wanted);
        for (var attempt = 0; attempt < 20; attempt++)
        {
            CpuParallel.Threads = 2;
            var pool = new FailingPool { Asked = () => CpuParallel.Threads = 8 };
            using (var program = Program(network, pool))
            {
                Run(program, images, got);
                Assert.Equal(wanted, got);
                Assert.Equal(2 * MemoryPool.SizeClass(program.ArenaBytes), pool.Statistics.Live);
            }

            pool.Trim();
        }
    });

    [Fact]
    public void Arenas_are_rented_all_or_none() => CpuThreads.ForEach([6], _ =>
    {
        using var network = Network();
        var pool = new FailingPool();
        var (images, wanted, got) = (Values(Images * 108), new float[Images * 4], new float[Images * 4]);
        using (var plan = InferencePlan.Compile(network, (6, 6, 3), Device.Cpu))
            plan.Run(images, wanted);
        using (var program = Program(network, pool))
        {
            for (var left = 0; left < 6; left++)
            {
                pool.Left = left;
                var error = Assert.Throws<DeviceOutOfMemoryException>(() => Run(program, images, got));
                Assert.Equal("plan", error.Operation);
                Assert.Equal(0, pool.Statistics.Live);
                pool.Trim();
            }

            // One thread needs one arena, and keeps it where five more are not to be had.
            (pool.Left, CpuParallel.Threads) = (1, 1);
            Run(program, images, got);
            var one = pool.Statistics.Live;
            (pool.Left, CpuParallel.Threads) = (3, 6);
            Assert.Throws<DeviceOutOfMemoryException>(() => Run(program, images, got));
            Assert.Equal(one, pool.Statistics.Live);
            pool.Left = int.MaxValue;
            Run(program, images, got);
            Assert.Equal(wanted, got);
            Assert.Equal(6 * one, pool.Statistics.Live);
        }

        Assert.Equal(0, pool.Statistics.Live);
        pool.Trim();
    });

    [Fact]
    public void A_plan_that_is_disposed_while_it_runs_gives_everything_back_afterwards() => CpuThreads.ForEach([2], _ =>
    {
        using var network = Network();
        var pool = new FailingPool();
        var (images, got) = (Values(Images * 108), new float[Images * 4]);
        var program = Program(network, pool);
        Run(program, images, got);
        program.Dispose();
        program.Dispose();
        Assert.Equal(0, pool.Statistics.Live);
        Assert.Throws<ObjectDisposedException>(() => Run(program, images, got));
        Assert.Equal(0, pool.Statistics.Live);
        Assert.Equal(0, pool.Statistics.LateReturns);
        pool.Trim();
    });

    [Fact]
    public void On_a_device_any_allocation_may_fail_and_nothing_is_lost()
    {
        using var faulty = FaultDevice.OrSkip();
        using var network = Network();
        var (images, wanted, got) = (Values(Images * 108), new float[Images * 4], new float[Images * 4]);
        using (var plan = InferencePlan.Compile(network, (6, 6, 3), faulty.Device))
            plan.Run(images, wanted);
        var failures = 0;
        for (var n = 1; n <= 20; n++)
        {
            var before = faulty.Settled();
            faulty.Device.Trim();
            EmulatorApi.Fail("cuMemAlloc", n, OutOfMemory);
            EmulatorApi.Fail("cuMemAlloc", n + 1, OutOfMemory);
            var failure = Record.Exception(() =>
            {
                using var plan = InferencePlan.Compile(network, (6, 6, 3), faulty.Device);
                // After the failure it is as before it: a second call succeeds.
                if (Record.Exception(() => plan.Run(images, got)) is { } first)
                {
                    EmulatorApi.Reset();
                    plan.Run(images, got);
                    Assert.Equal(wanted, got);
                    throw first;
                }
            });
            EmulatorApi.Reset();
            if (failure is not null)
                Assert.IsType<DeviceOutOfMemoryException>(failure);
            failures += failure is null ? 0 : 1;
            // Not by the collector: what is given back late is counted.
            var after = faulty.Device.Memory;
            Assert.Equal((before.Live, before.LateReturns), (after.Live, after.LateReturns));
        }

        Assert.True(failures >= 4, $"only {failures} of 20 runs met their fault");
    }

    // A view with gaps is filled through one value in device memory.
    [Fact]
    public void A_fill_that_is_refused_gives_its_value_back()
    {
        using var faulty = FaultDevice.OrSkip();
        using var x = Tensor.Ones((4, 4), device: faulty.Device);
        using var column = x.Slice(1, 1, 2);
        column.Backend.Fill(column, 2);
        for (var n = 1; n <= 2; n++)
        {
            var before = faulty.Device.Memory.Live;
            EmulatorApi.Fail("cuLaunchKernel", n, 701);
            Assert.Throws<DeviceException>(() => column.Backend.Fill(column, 3));
            EmulatorApi.Reset();
            Assert.Equal(before, faulty.Device.Memory.Live);
        }
    }

    private static Sequential Network()
    {
        var random = new RandomSource(2);
        return new Sequential(
            new Conv2d(3, 8, 3, random, 1, 1), new Relu(), new Conv2d(8, 8, 3, random, 2, 1), new Relu(), new GlobalAveragePool2d(), new Linear(8, 4, random));
    }

    private static CpuProgram Program(Module network, MemoryPool pool)
    {
        var builder = new PlanBuilder(network, (6, 6, 3));
        return new CpuProgram(PlanGraph.Of(builder, [network.Lower(builder, builder.Input)]), new PlanOptions { ImagesPerChunk = 1 }, pool);
    }

    private static void Run(CpuProgram program, float[] images, float[] output)
    {
        fixed (float* x = images, y = output)
            program.Run(new PlanCall { Images = Images, Floats = x, First = y, OutputMask = 1 });
    }

    private static float[] Values(int count)
    {
        var values = new float[count];
        new RandomSource(9).FillNormal(values);
        return values;
    }
}
