using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Cublas;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>Context, stream, copies, events, graphs and handles, on the emulated device or a real one.</summary>
public sealed unsafe class NativeContextTests
{
    private static readonly string Machine = CudaMachine.Names[0];

    [Fact]
    public void A_device_says_what_it_is()
    {
        using var machine = CudaMachine.Use(Machine);
        var context = machine.Context;
        Assert.Equal(!EmulatedMachine.UsesGpu, context.IsEmulated);
        Assert.Equal(context.IsEmulated, context.Name.Contains("emulated", StringComparison.OrdinalIgnoreCase));
        Assert.Equal($"cuda:{context.Ordinal}", context.ToString());
        Assert.True(context.ComputeCapability.Major >= 8);
        Assert.True(context.Multiprocessors > 0);
        Assert.True(context.MaxSharedBytes >= 48 << 10);
        var (free, total) = context.MemoryInfo();
        Assert.InRange(free, 1, total);
        Assert.Null(context.LostReason);
        Assert.Same(CudaContext.Get(0), CudaContext.Get(0));
    }

    [Fact]
    public void A_device_that_is_not_there_is_named_with_those_that_are()
    {
        using var machine = CudaMachine.Use(Machine);
        var failure = Assert.Throws<DeviceException>(() => CudaContext.Get(99));
        Assert.Contains("cuda:99", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"cuda:0 ({CudaRuntime.Devices[0].Name})", failure.Message, StringComparison.Ordinal);
    }

    // 1 and 7: less than a word; 131072 and one more: the border between staged and direct copies; many: every place is used again.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 50)]
    [InlineData(131_072, 20)]
    [InlineData(131_073, 3)]
    [InlineData(1_000_000, 1)]
    public void What_was_uploaded_comes_back(int bytes, int times)
    {
        using var machine = CudaMachine.Use(Machine);
        var random = new Random(bytes);
        var source = new byte[bytes];
        var sent = new List<(nint Pointer, byte[] Values)>();
        for (var i = 0; i < times; i++)
        {
            random.NextBytes(source);
            var pointer = machine.Allocate<byte>(bytes);
            machine.Context.Upload(source, pointer);
            sent.Add((pointer, source.ToArray()));
            // The source may change at once.
            Array.Clear(source);
        }

        Assert.All(sent, one => Assert.Equal(one.Values, machine.Download<byte>(one.Pointer, bytes)));
    }

    [Fact]
    public void Copies_of_nothing_are_no_calls()
    {
        using var machine = CudaMachine.Use(Machine);
        var before = machine.Context.Counters.Synchronizations;
        machine.Context.Upload([], 0);
        machine.Context.Download(0, []);
        Assert.Equal(before, machine.Context.Counters.Synchronizations);
    }

    [Fact]
    public void Counters_count_launches_waits_bytes_and_allocations()
    {
        using var machine = CudaMachine.Use(Machine);
        var counters = machine.Context.Counters;
        var copies = new CopyKernels(machine.Context);
        long[] Read() => [counters.Launches, counters.Synchronizations, counters.BytesToDevice, counters.BytesToHost, counters.Allocations];
        var before = Read();
        var pointer = machine.Allocate<int>(100);
        copies.Fill(4, 7, pointer, 100);
        copies.Fill(4, 8, pointer, 0);
        copies.Fill(4, 9, pointer, 50);
        machine.Context.Upload(new byte[30], pointer);
        machine.Context.Download(pointer, new byte[20]);
        machine.Context.Stream.Synchronize();
        Assert.Equal([2L, 2, 30, 20, 1], Read().Zip(before, (now, then) => now - then));
    }

    [Fact]
    public void A_bad_index_is_an_exception_at_the_next_wait_and_only_there()
    {
        using var machine = CudaMachine.Use(Machine);
        var rows = new RowsKernels(machine.Context);
        var x = machine.Upload<float>([1, 2, 3, 4]);
        var y = machine.Allocate<float>(3);
        rows.Gather(x, 4, machine.Upload([0, 9, 3]), y, 3, sizeof(float));
        var failure = Assert.Throws<EscException>(machine.Context.Stream.Synchronize);
        Assert.Equal(ErrorCode.BadInput, failure.Code);
        Assert.Equal("rows by index: index 1 is 9, wants 0 to 3", failure.Message);
        machine.Context.Stream.Synchronize();
        rows.Gather(x, 4, machine.Upload([2, 1, 0]), y, 3, sizeof(float));
        Assert.Equal([3f, 2, 1], machine.Download<float>(y, 3));
    }

    [Fact]
    public void A_graph_repeats_what_was_recorded_on_what_memory_holds_then()
    {
        using var machine = CudaMachine.Use(Machine);
        var copies = new CopyKernels(machine.Context);
        var x = machine.Upload([1, 2, 3, 4]);
        var y = machine.Allocate<int>(4);
        var launches = machine.Context.Counters.GraphLaunches;
        using var graph = new CudaGraph(machine.Context, () => machine.Context.Stream.Copy(x, y, 16));
        Assert.Equal([-1, -1, -1, -1], machine.Download<int>(y, 4));
        graph.Launch();
        Assert.Equal([1, 2, 3, 4], machine.Download<int>(y, 4));
        copies.Fill(4, 5, x, 4);
        graph.Launch();
        Assert.Equal([5, 5, 5, 5], machine.Download<int>(y, 4));
        using var other = new CudaGraph(machine.Context, () => copies.Fill(4, 6, y, 3));
        other.Launch();
        Assert.Equal([6, 6, 6, 5], machine.Download<int>(y, 4));
        Assert.Equal(3, machine.Context.Counters.GraphLaunches - launches);
    }

    [Fact]
    public void What_cannot_be_recorded_is_refused_and_the_stream_goes_on()
    {
        using var machine = CudaMachine.Use(Machine);
        var context = machine.Context;
        var y = machine.Upload([1, 2]);
        foreach (var (words, forbidden) in new (string, Action)[]
        {
            ("a wait", context.Stream.Synchronize), ("a copy to the host", () => machine.Download<int>(y, 2)),
            ("a copy from the host", () => context.Upload(new byte[8], y)),
        })
        {
            var failure = Assert.Throws<DeviceException>(() => new CudaGraph(context, forbidden));
            Assert.Contains($"{words} while a graph is recorded", failure.Message, StringComparison.Ordinal);
            Assert.False(CudaStream.IsCapturing);
        }

        // The driver's own refusal: memory.
        Assert.Throws<DeviceException>(() => new CudaGraph(context, () => context.Allocate(1000)));
        Assert.Throws<InvalidOperationException>(() => new CudaGraph(context, () => throw new InvalidOperationException()));
        Assert.Equal([1, 2], machine.Download<int>(y, 2));
    }

    [Fact]
    public void Events_mark_what_is_done_and_take_the_time()
    {
        using var machine = CudaMachine.Use(Machine);
        var context = machine.Context;
        using var start = new CudaEvent(context, timing: true);
        using var end = new CudaEvent(context, timing: true);
        Assert.True(start.IsDone);
        start.Record(context.Stream);
        context.Stream.Fill(machine.Allocate<byte>(1 << 20), 1, 1 << 20);
        end.Record(context.Stream);
        end.Synchronize();
        Assert.True(end.IsDone);
        Assert.InRange(end.MillisecondsSince(start), 0, 10_000);
        var gone = new CudaEvent(context);
        gone.Dispose();
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gone.Record(context.Stream));
    }

    [Fact]
    public void Any_thread_may_use_a_device()
    {
        using var machine = CudaMachine.Use(Machine);
        var copies = new CopyKernels(machine.Context);
        var buffers = Enumerable.Range(0, 4).Select(_ => machine.Allocate<int>(64)).ToArray();
        var errors = new Exception?[buffers.Length];
        var threads = buffers.Select((buffer, i) => new Thread(() => errors[i] = Record.Exception(() =>
        {
            var values = new int[64];
            for (var pass = 0; pass < 20; pass++)
            {
                copies.Fill(4, (ulong)((100 * i) + pass), buffer, 64);
                machine.Context.Download(buffer, MemoryMarshal.AsBytes(values.AsSpan()));
                Assert.All(values, value => Assert.Equal((100 * i) + pass, value));
            }
        }))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(errors, Assert.Null);
    }

    [Theory]
    [InlineData("F32", false, false)]
    [InlineData("F32", true, false)]
    [InlineData("F64", false, true)]
    [InlineData("F64", true, true)]
    public void Cublas_multiplies_column_major_matrices(string type, bool transposeA, bool transposeB)
    {
        const int m = 5, n = 7, k = 3, batch = 2;
        using var machine = CudaMachine.Use(Machine);
        using var cublas = CublasHandle.TryCreate(machine.Context);
        Assert.SkipWhen(cublas is null, "no cuBLAS");
        Assert.True(cublas.Version.Major >= 11);
        var random = new Random(5);
        double[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(-9, 10))];
        var (a, b, c) = (Values(m * k * batch), Values(k * n), Values(m * n * batch));
        var wanted = (double[])c.Clone();
        for (var i = 0; i < batch; i++)
        {
            for (var column = 0; column < n; column++)
            {
                for (var row = 0; row < m; row++)
                {
                    var sum = 0.0;
                    for (var p = 0; p < k; p++)
                        sum += a[(i * m * k) + (transposeA ? (row * k) + p : (p * m) + row)] * b[transposeB ? (p * n) + column : (column * k) + p];
                    ref var value = ref wanted[(i * m * n) + (column * m) + row];
                    value = (2 * sum) - value;
                }
            }
        }

        double[] got;
        if (type == "F64")
        {
            var y = machine.Upload(c);
            Multiply(machine.Upload(a), machine.Upload(b), y);
            got = machine.Download<double>(y, c.Length);
        }
        else
        {
            nint Narrow(double[] values) => machine.Upload(Array.ConvertAll(values, value => (float)value));
            var y = Narrow(c);
            Multiply(Narrow(a), Narrow(b), y);
            got = Array.ConvertAll(machine.Download<float>(y, c.Length), value => (double)value);
        }

        // Small integers: exact in both types, in any order.
        Assert.Equal(wanted, got);

        void Multiply(nint x, nint w, nint y) => cublas.Gemm(
            Enum.Parse<DType>(type), transposeA, transposeB, m, n, k, 2, x, transposeA ? k : m, m * k, w, transposeB ? n : k, 0, -1, y, m, m * n, batch);
    }

    [Fact]
    public void Cublas_is_recorded_into_a_graph_like_any_launch()
    {
        using var machine = CudaMachine.Use(Machine);
        using var cublas = CublasHandle.TryCreate(machine.Context);
        Assert.SkipWhen(cublas is null, "no cuBLAS");
        var (a, b, y) = (machine.Upload([2f]), machine.Upload([3f]), machine.Upload([1f]));
        void Multiply(double beta) => cublas.Gemm(DType.F32, false, false, 1, 1, 1, 1, a, 1, 0, b, 1, 0, beta, y, 1, 0, 1);
        using var graph = new CudaGraph(machine.Context, () => Multiply(1));
        Assert.Equal([1f], machine.Download<float>(y, 1));
        graph.Launch();
        graph.Launch();
        Assert.Equal([13f], machine.Download<float>(y, 1));
        // Outside of the recording it goes where it always went.
        Multiply(0);
        Assert.Equal([6f], machine.Download<float>(y, 1));
    }

    [Fact]
    public void A_handle_that_nobody_disposed_is_given_back_by_its_finalizer()
    {
        using var machine = CudaMachine.Use(Machine);
        // What tests of the engine have forgotten is not to come back in between.
        Collect();
        var free = machine.Context.MemoryInfo().Free;
        Forget(machine.Context);
        Collect();
        Assert.Equal(free, machine.Context.MemoryInfo().Free);

        static void Collect()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(CudaContext context)
        {
            _ = new CudaEvent(context);
            using var call = KernelCall.Begin();
            _ = new PinnedMemory(context, 100).Span[99];
            _ = new CudaDeviceVariable<double>(context, 1000, "test");
        }
    }

    [Fact]
    public void A_launch_allocates_no_managed_memory()
    {
        using var machine = CudaMachine.Use(Machine);
        var copies = new CopyKernels(machine.Context);
        var pointer = machine.Allocate<int>(100);
        for (var i = 0; i < 50; i++)
            copies.Fill(4, 7, pointer, 100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            copies.Fill(4, 7, pointer, 100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
