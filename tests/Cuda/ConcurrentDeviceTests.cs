using EscNative.Engine;
using EscNative.Kernels;

namespace EscNative.Tests.Cuda;

/// <summary>One device and several threads.</summary>
public sealed class ConcurrentDeviceTests
{
    private const int Threads = 6;

    [Fact]
    public void Kernels_and_libraries_are_loaded_once_however_many_threads_need_them_first()
    {
        using var faulty = FaultDevice.OrSkip();
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var backend = new CudaBackend(faulty.Context);
            var made = new object[Threads][];
            Together(me => made[me] =
            [
                backend.Gemm, backend.Attention, backend.Elementwise, backend.ConvForward, backend.SoftmaxFamily, backend.LayerNorms, backend.Pools, backend.Images,
            ]);
            Assert.All(made, families => Assert.Equal(made[0], families));
            backend.Gemm.Dispose();
            backend.Pool.Trim();
        }
    }

    [Fact]
    public void Several_threads_compute_over_shared_values_from_the_first_operation_on()
    {
        using var faulty = FaultDevice.OrSkip();
        using var w = Tensor.From([1f, -2, 3, 0.5f, 2, -1], (2, 3), faulty.Device);
        w.RequireGradient();
        var wanted = Gradient(0);
        Together(_ =>
        {
            for (var round = 0; round < 10; round++)
                Assert.Equal(wanted, Gradient(0));
        });

        float[] Gradient(int seed)
        {
            using var scope = Tensor.Scope();
            var values = new float[4 * 3];
            new RandomSource((ulong)seed + 1).FillNormal(values);
            var y = Tensor.From(values, (4, 3), faulty.Device).Linear(w).Gelu().Softmax();
            using var gradients = Loss.CrossEntropy(y, Tensor.From([0, 1, 1, 0], 4, faulty.Device)).Backward();
            return gradients[w].ToArray();
        }
    }

    private static void Together(Action<int> work)
    {
        var errors = new Exception?[Threads];
        using var start = new Barrier(Threads);
        var team = Enumerable.Range(0, Threads).Select(me => new Thread(() => errors[me] = Record.Exception(() =>
        {
            start.SignalAndWait();
            work(me);
        }))).ToArray();
        Array.ForEach(team, thread => thread.Start());
        Array.ForEach(team, thread => thread.Join());
        Assert.All(errors, Assert.Null);
    }
}
