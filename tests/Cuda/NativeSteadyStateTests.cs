using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>What a training step costs beside its kernels, once everything is warm.</summary>
public sealed class NativeSteadyStateTests
{
    // Measured: 547 (23 launches a step), of tensors, storages, nodes of the graph and gradients. Two more objects a launch would show.
    private const int BytesPerLaunch = 700;

    [Fact]
    public void A_step_asks_the_driver_for_no_memory_waits_once_and_keeps_its_managed_bytes_in_bounds()
    {
        CudaMachine.Prepare();
        Assert.SkipWhen(!CudaRuntime.IsAvailable, "no CUDA");
        var device = Device.Cuda();
        var counters = ((CudaBackend)device.Backend).Context.Counters;
        var random = new RandomSource(3);
        using var network = new Sequential(
            new Conv2d(3, 8, 3, random, padding: 1, device: device), new BatchNorm2d(8, device: device), new Relu(),
            new GlobalAveragePool2d(), new Linear(8, 10, random, device: device));
        using var optimizer = new Sgd(network.Parameters, 0.1, momentum: 0.9);
        using var x = Tensor.Ones((4, 6, 6, 3), device: device);
        using var labels = Tensor.From([1, 2, 3, 4], 4, device);
        for (var step = 0; step < 40; step++)
            Step();
        // No collection that earlier tests are the cause of.
        GC.Collect();
        var (start, managed, collections) = (Read(), GC.GetAllocatedBytesForCurrentThread(), GC.CollectionCount(2));
        const int steps = 20;
        for (var step = 0; step < steps; step++)
            Step();
        managed = GC.GetAllocatedBytesForCurrentThread() - managed;
        var cost = Read().Zip(start, (now, then) => now - then).ToArray();
        Assert.Equal(0, cost[0]);
        Assert.Equal(steps, cost[1]);
        Assert.Equal(steps * sizeof(float), cost[2]);
        Assert.Equal(0, cost[3]);
        // Forward, loss, backward, one launch for all parameters.
        Assert.InRange(cost[4], 10 * steps, 100 * steps);
        Assert.True(managed < BytesPerLaunch * cost[4], $"{managed / cost[4]} managed bytes a launch, {cost[4] / steps} launches a step");
        Assert.Equal(collections, GC.CollectionCount(2));

        long[] Read() => [counters.Allocations, counters.Synchronizations, counters.BytesToHost, counters.BytesToDevice, counters.Launches];

        void Step()
        {
            using var scope = Tensor.Scope();
            var loss = Loss.CrossEntropy(network.Forward(x), labels);
            using var gradients = loss.Backward();
            optimizer.Step(gradients);
            loss.Item();
        }
    }
}
