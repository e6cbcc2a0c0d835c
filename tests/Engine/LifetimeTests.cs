using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

/// <summary>Operands live as long as the kernels that read them, whoever else forgets or disposes of them meanwhile.</summary>
public sealed class LifetimeTests : IDisposable
{
    private readonly MemoryStatistics _before = TestDevices.Current.Memory;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private int _collections;

    private static Device Device => TestDevices.Current;

    public void Dispose() => KernelCall.Taken = null;

    // What these tests forget comes back late by intention.
    private void Settle()
    {
        for (var i = 0; i < 10 && Device.Memory.LiveTensors != _before.LiveTensors; i++)
            CollectAll();
        NoLeaksAttribute.ForgiveLateReturns(Device.Memory.LateReturns - _before.LateReturns);
    }

    // Blocks that come back are overwritten with NaN here (CpuMemoryPool.Checked), so that a kernel whose operand was freed
    // between its address and its work computes something else.
    [Fact]
    public void Every_operation_keeps_what_it_reads_and_writes()
    {
        if (Optimised.IsMissingHere)
        {
            Optimised.RunHere();
            return;
        }

        var cases = OperationCases.All.ToArray();
        var wanted = cases.Select(c => (Forward: Bits(Forward(c, null)), Backward: BackwardBits(c, null))).ToArray();
        var wrong = new List<string>();
        for (var i = 0; i < cases.Length; i++)
        {
            if (!Bits(Forward(cases[i], CollectHere)).AsSpan().SequenceEqual(wanted[i].Forward))
                wrong.Add($"{cases[i].Name}, forward");
            if (!BackwardBits(cases[i], CollectHere).AsSpan().SequenceEqual(wanted[i].Backward))
                wrong.Add($"{cases[i].Name}, backward");
        }

        Settle();
        Assert.Empty(wrong);
        Assert.True(_collections > 2 * cases.Length, $"{_collections} collections in {cases.Length} cases: the hook was not reached");
    }

    [Fact]
    public void A_tensor_that_nobody_holds_lives_as_long_as_the_kernel_that_reads_it()
    {
        if (Optimised.IsMissingHere)
        {
            Optimised.RunHere();
            return;
        }

        var (n, rounds) = Device.IsHost ? (1 << 21, 60) : (1 << 14, 20);
        var values = new float[n];
        values[n / 2] = 1;
        var stop = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
                CollectAll();
        });
        collector.Start();
        var wrong = 0;
        for (var round = 0; round < rounds; round++)
        {
            using var index = ArgMax(values);
            wrong += index.Item() == n / 2 ? 0 : 1;
        }

        Volatile.Write(ref stop, true);
        collector.Join();
        Settle();
        Assert.Equal(0, wrong);

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static Tensor ArgMax(float[] values) => Tensor.From(values, values.Length).ArgMax(0);
    }

    [Fact]
    public void An_operand_that_another_thread_disposes_of_is_freed_when_the_kernel_is_done()
    {
        var (a, b) = (Tensor.From([1f, 2, 3, 4], (2, 2)), Tensor.From([5f, 6, 7, 8], (2, 2)));
        var live = Device.Memory.Live;
        var taken = 0;
        KernelCall.Taken = () =>
        {
            // The third address is the result's: both operands are held.
            if (Environment.CurrentManagedThreadId != _thread || ++taken != 3)
                return;
            var other = new Thread(() =>
            {
                a.Dispose();
                b.Dispose();
            });
            other.Start();
            other.Join();
            Assert.True(a.IsDisposed && b.IsDisposed);
            Assert.True(Device.Memory.Live > live, "an operand was freed under the kernel");
        };
        using var y = a.MatMul(b);
        KernelCall.Taken = null;
        Assert.True(taken >= 3);
        Assert.Equal([19f, 22, 43, 50], y.ToArray());
        Assert.True(Device.Memory.Live < live, "the operands were not freed after the kernel");
        Assert.Throws<ObjectDisposedException>(() => a.MatMul(b));
    }

    [Fact]
    public void Threads_that_dispose_of_one_tensor_free_it_once()
    {
        for (var round = 0; round < 200; round++)
        {
            var x = Tensor.Ones(16);
            using var go = new Barrier(2);
            var other = new Thread(() =>
            {
                go.SignalAndWait();
                x.Dispose();
            });
            other.Start();
            go.SignalAndWait();
            x.Dispose();
            other.Join();
        }

        Assert.Equal(_before.Live, Device.Memory.Live);
        Assert.Equal(_before.LiveTensors, Device.Memory.LiveTensors);
    }

    [Fact]
    public void A_tensor_gives_its_address_only_within_a_call()
    {
        using var x = Tensor.Ones(3);
        var outside = Assert.Throws<InvalidOperationException>(() => x.Pointer);
        Assert.Contains("KernelCall.Begin()", outside.Message, StringComparison.Ordinal);
        using (KernelCall.Begin())
        {
            using (KernelCall.Begin())
                Assert.NotEqual(0, x.Pointer);
            Assert.NotEqual(0, x.Pointer);
        }

        Assert.Throws<InvalidOperationException>(() => x.Pointer);
        // A disposed one gives none at all.
        var gone = Tensor.Ones(3);
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Address(gone));

        static nint Address(Tensor x)
        {
            using var call = KernelCall.Begin();
            return x.Pointer;
        }
    }

    [Fact]
    public void A_call_holds_any_number_of_tensors_and_allocates_nothing_the_second_time()
    {
        using var scope = Tensor.Scope();
        var tensors = Enumerable.Range(0, 1000).Select(_ => Tensor.Ones(1)).ToArray();
        Take(tensors);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        Take(tensors);
        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
        Assert.All(tensors, x => Assert.True(x.Storage.IsExclusive));

        static void Take(Tensor[] tensors)
        {
            using var call = KernelCall.Begin();
            foreach (var x in tensors)
                _ = x.Pointer;
            Assert.False(tensors[0].Storage.IsExclusive);
        }
    }

    [Fact]
    public void An_exception_ends_the_calls_that_it_leaves()
    {
        using var x = Tensor.Ones(3);
        var leaves = () =>
        {
            using var outer = KernelCall.Begin();
            using var call = KernelCall.Begin();
            _ = x.Pointer;
            throw new UsageException("test");
        };
        Assert.Throws<UsageException>(leaves);
        Assert.True(x.Storage.IsExclusive);
        Assert.Throws<InvalidOperationException>(() => x.Pointer);
    }

    private static void CollectAll()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    // What was made since the collection before this one, and is not held, is finalized before the kernel reads it.
    private void CollectHere()
    {
        if (Environment.CurrentManagedThreadId != _thread)
            return;
        _collections++;
        GC.Collect(1, GCCollectionMode.Forced, blocking: true);
        GC.WaitForPendingFinalizers();
    }

    // Nobody holds the operands but the operation itself.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Tensor Forward(OperationCase c, Action? taken)
    {
        var operands = Operands(c, null);
        KernelCall.Taken = taken;
        var y = c.Run(operands);
        KernelCall.Taken = null;
        return y;
    }

    // Each operand is a copy of a leaf, which nobody holds either; nor the result.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Gradients? Backward(OperationCase c, Tensor[] leaves, Action? taken)
    {
        if (!c.Inputs.Any(i => i.IsDifferentiable))
            return null;
        var y = c.Run(Operands(c, leaves));
        var seed = PreparedCase.Of(c).Weights.ToTensor(y.DType, Device);
        KernelCall.Taken = taken;
        var gradients = y.Backward(seed);
        KernelCall.Taken = null;
        return gradients;
    }

    private static byte[] BackwardBits(OperationCase c, Action? taken)
    {
        var leaves = Operands(c, null);
        for (var i = 0; i < leaves.Length; i++)
        {
            if (c.Inputs[i].IsDifferentiable)
                leaves[i].RequireGradient();
        }

        using var gradients = Backward(c, leaves, taken);
        var bits = new List<byte>();
        foreach (var leaf in leaves)
        {
            if (gradients is not null && gradients.TryGet(leaf, out var gradient))
                bits.AddRange(MemoryMarshal.AsBytes<double>(gradient.ToNdArray().Values));
            leaf.Dispose();
        }

        return [.. bits];
    }

    private static byte[] Bits(Tensor y)
    {
        using (y)
            return MemoryMarshal.AsBytes<double>(y.ToNdArray().Values).ToArray();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor[] Operands(OperationCase c, Tensor[]? leaves)
    {
        var prepared = PreparedCase.Of(c);
        var operands = new Tensor[c.Inputs.Length];
        for (var i = 0; i < operands.Length; i++)
        {
            operands[i] = leaves is null || !c.Inputs[i].IsDifferentiable
                ? prepared.Inputs[i].ToTensor(c.Inputs[i].IsInteger ? DType.I32 : DType.F32, Device)
                : leaves[i].Clone();
        }

        return operands;
    }
}
