using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>An index out of range that a kernel reports belongs to the thread that issued the kernel, or to who waits for its results.</summary>
public sealed class FaultOwnerTests
{
    [Fact]
    public void Another_thread_is_not_told_of_a_fault_and_its_owner_is_once()
    {
        using var faulty = FaultDevice.OrSkip();
        using var x = Tensor.From([1f, 2, 3, 4], 4, faulty.Device);
        using var good = Tensor.From([3, 0], 2, faulty.Device);
        using var bad = Tensor.From([1, 9], 2, faulty.Device);
        using var culprit = new OwnThread();
        using var innocent = new OwnThread();
        var y = default(Tensor);
        // As a service has it: each thread with a request of its own, over values that all of them read.
        Assert.Null(culprit.Do(() => y = x.GatherRows(bad)));
        for (var i = 0; i < 3; i++)
        {
            Assert.Null(innocent.Do(() =>
            {
                using var z = x.GatherRows(good);
                Assert.Equal([4, 1], z.ToArray());
                using var twice = x * 2;
                Assert.Equal([2, 4, 6, 8], twice.ToArray());
                faulty.Device.Synchronize();
            }));
        }

        Assert.Equal("rows by index: index 1 is 9, wants 0 to 3", Assert.IsType<EscException>(culprit.Do(faulty.Device.Synchronize)).Message);
        Assert.Null(culprit.Do(faulty.Device.Synchronize));
        Assert.Null(innocent.Do(faulty.Device.Synchronize));
        y!.Dispose();
    }

    [Fact]
    public void Every_thread_gets_its_own_fault_whoever_waits_first()
    {
        using var faulty = FaultDevice.OrSkip();
        using var x = Tensor.Ones((5, 3), device: faulty.Device);
        var threads = Enumerable.Range(0, 4).Select(_ => new OwnThread()).ToArray();
        for (var round = 0; round < 4; round++)
        {
            for (var i = 0; i < threads.Length; i++)
            {
                var wrong = 10 + i;
                Assert.Null(threads[i].Do(() =>
                {
                    using var scope = Tensor.Scope();
                    // The first of several counts, here and in whatever follows from it.
                    var y = x.GatherRows(Tensor.From([0, 0, wrong], 3, faulty.Device));
                    _ = y * 2;
                    _ = x.GatherRows(Tensor.From([99], 1, faulty.Device));
                    _ = Loss.CrossEntropy(x, Tensor.From([0, 1, 2, -5, 1], 5, faulty.Device));
                }));
            }

            for (var i = 0; i < threads.Length; i++)
            {
                var error = threads[(i + round) % threads.Length].Do(faulty.Device.Synchronize);
                Assert.Equal($"rows by index: index 2 is {10 + ((i + round) % threads.Length)}, wants 0 to 4", Assert.IsType<EscException>(error).Message);
                Assert.Null(threads[(i + round) % threads.Length].Do(faulty.Device.Synchronize));
            }
        }

        Array.ForEach(threads, thread => thread.Dispose());
    }

    // What one thread computes and another one reads: after an await, for example.
    [Fact]
    public void Who_reads_a_result_of_another_thread_is_told_of_its_fault()
    {
        using var faulty = FaultDevice.OrSkip();
        using var maker = new OwnThread();
        using var reader = new OwnThread();
        using var logits = Tensor.Ones((2, 3), device: faulty.Device);
        foreach (var read in (Action<Tensor>[])[
            t => t.ToArray(), t => t.Item(),
            t =>
            {
                using var scope = Tensor.Scope();
                _ = ((t + 1) * 2).Exp().Item();
            }])
        {
            var loss = default(Tensor);
            Assert.Null(maker.Do(() =>
            {
                using var labels = Tensor.From([0, 7], 2, faulty.Device);
                loss = Loss.CrossEntropy(logits, labels);
            }));
            Assert.Equal("cross-entropy: label 1 is 7, wants 0 to 2", Assert.IsType<EscException>(reader.Do(() => read(loss!))).Message);
            // Once.
            Assert.Null(maker.Do(faulty.Device.Synchronize));
            Assert.Null(reader.Do(faulty.Device.Synchronize));
            loss!.Dispose();
        }
    }

    [Fact]
    public void What_a_thread_made_before_its_fault_is_read_by_others_without_it()
    {
        using var faulty = FaultDevice.OrSkip();
        using var maker = new OwnThread();
        using var reader = new OwnThread();
        using var table = Tensor.From([1f, 2, 3], 3, faulty.Device);
        Tensor? sound = null, unsound = null;
        Assert.Null(maker.Do(() =>
        {
            using var good = Tensor.From([2, 1], 2, faulty.Device);
            sound = table.GatherRows(good);
            using var bad = Tensor.From([-1], 1, faulty.Device);
            unsound = table.GatherRows(bad);
        }));
        Assert.Null(reader.Do(() => Assert.Equal([3, 2], sound!.ToArray())));
        Assert.IsType<EscException>(maker.Do(faulty.Device.Synchronize));
        // It was told.
        Assert.Null(reader.Do(() => unsound!.ToArray()));
        sound!.Dispose();
        unsound!.Dispose();
    }

    [Fact]
    public void One_fault_among_many_kernels_is_found()
    {
        using var faulty = FaultDevice.OrSkip();
        using var thread = new OwnThread();
        using var other = new OwnThread();
        using var x = Tensor.Ones(4, device: faulty.Device);
        foreach (var at in (int[])[0, 1, 30, 31, 32, 33, 63, 64, 65, 199])
        {
            Assert.Null(thread.Do(() =>
            {
                for (var i = 0; i < 200; i++)
                {
                    using var index = Tensor.From([i == at ? 1000 + at : 1], 1, faulty.Device);
                    x.GatherRows(index).Dispose();
                }
            }));
            Assert.Null(other.Do(faulty.Device.Synchronize));
            Assert.Equal($"rows by index: index 0 is {1000 + at}, wants 0 to 3", Assert.IsType<EscException>(thread.Do(faulty.Device.Synchronize)).Message);
            Assert.Null(thread.Do(faulty.Device.Synchronize));
        }
    }

    [Fact]
    public void A_thread_that_ended_without_a_wait_leaves_its_fault_to_nobody_else()
    {
        using var faulty = FaultDevice.OrSkip();
        using var x = Tensor.Ones(4, device: faulty.Device);
        for (var i = 0; i < 100; i++)
        {
            var fails = i % 2 == 0;
            Exception? error = null;
            var thread = new Thread(() => error = Record.Exception(() =>
            {
                using var index = Tensor.From([fails ? 8 : 3], 1, faulty.Device);
                using var y = x.GatherRows(index);
                if (!fails)
                    Assert.Equal([1], y.ToArray());
            }));
            thread.Start();
            thread.Join();
            Assert.Null(error);
            if (i % 10 == 9)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        faulty.Device.Synchronize();
    }

    // A recorded kernel reports to who launches the recording.
    [Fact]
    public unsafe void A_fault_in_a_graph_belongs_to_who_launches_it()
    {
        using var faulty = FaultDevice.OrSkip();
        using var owner = new OwnThread();
        using var other = new OwnThread();
        var context = faulty.Context;
        var rows = new RowsKernels(context);
        using var x = new CudaDeviceVariable<float>(context, 4, "test");
        using var y = new CudaDeviceVariable<float>(context, 1, "test");
        using var index = new CudaDeviceVariable<int>(context, 1, "test");
        x.Fill(0);
        index.CopyToDevice([2]);
        using var graph = new CudaGraph(context, () =>
        {
            using var call = KernelCall.Begin();
            rows.Gather(x.Pointer, 4, index.Pointer, y.Pointer, 1, sizeof(float));
        });
        for (var round = 0; round < 3; round++)
        {
            index.CopyToDevice([20 + round]);
            Assert.Null(owner.Do(graph.Launch));
            Assert.Null(other.Do(context.Stream.Synchronize));
            context.Stream.Synchronize();
            Assert.Equal($"rows by index: index 0 is {20 + round}, wants 0 to 3", Assert.IsType<EscException>(owner.Do(context.Stream.Synchronize)).Message);
            Assert.Null(owner.Do(context.Stream.Synchronize));
            index.CopyToDevice([2]);
            Assert.Null(owner.Do(() =>
            {
                graph.Launch();
                context.Stream.Synchronize();
            }));
        }
    }

    /// <summary>A thread that does one thing after another.</summary>
    private sealed class OwnThread : IDisposable
    {
        private readonly SemaphoreSlim _work = new(0);
        private readonly SemaphoreSlim _done = new(0);
        private readonly Thread _thread;
        private Action? _action;
        private Exception? _error;

        public OwnThread()
        {
            _thread = new Thread(() =>
            {
                while (true)
                {
                    _work.Wait();
                    if (_action is null)
                        return;
                    _error = Record.Exception(_action);
                    _done.Release();
                }
            });
            _thread.Start();
        }

        public Exception? Do(Action action)
        {
            _action = action;
            _work.Release();
            _done.Wait();
            return _error;
        }

        public void Dispose()
        {
            _action = null;
            _work.Release();
            _thread.Join();
            _work.Dispose();
            _done.Dispose();
        }
    }
}
