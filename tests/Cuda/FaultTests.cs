using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Kernels.Cuda.Cublas;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>A device that fails: typed errors, a process that lives on, and memory as it was.</summary>
public sealed class FaultTests
{
    private const int OutOfMemory = 2;
    private const int InvalidValue = 1;
    private const int NoBinary = 209;
    private const int IllegalAddress = 700;
    private const int LaunchOutOfResources = 701;
    private const int LaunchFailure = 719;

    [Fact]
    public void Any_allocation_may_fail_twice_and_nothing_is_lost()
    {
        using var faulty = FaultDevice.OrSkip();
        var wanted = Train(faulty.Device);
        var failures = 0;
        for (var n = 1; n <= 200; n++)
        {
            var before = faulty.Settled();
            faulty.Device.Trim();
            // The pool gives its cache back and tries again; both fail.
            EmulatorApi.Fail("cuMemAlloc", n, OutOfMemory);
            EmulatorApi.Fail("cuMemAlloc", n + 1, OutOfMemory);
            var failure = Record.Exception(() => Train(faulty.Device));
            EmulatorApi.Reset();
            if (failure is not null)
            {
                failures++;
                var typed = Assert.IsType<DeviceOutOfMemoryException>(failure);
                Assert.Equal(ErrorCode.OutOfResources, typed.Code);
                Assert.True(typed.Requested > 0 && typed.Free > 0 && typed.Operation.Length > 0, typed.Message);
            }

            var after = faulty.Settled();
            Assert.True((before.Live, before.LiveTensors) == (after.Live, after.LiveTensors), $"allocation {n}: {before} became {after}");
            Assert.Equal(wanted, Train(faulty.Device));
        }

        Assert.True(failures >= 30, $"only {failures} of 200 runs met their fault");
    }

    [Fact]
    public void An_allocation_that_fails_once_is_tried_again_without_the_cache()
    {
        using var faulty = FaultDevice.OrSkip();
        Tensor.Ones(100_000, device: faulty.Device).Dispose();
        Assert.True(faulty.Device.Memory.Cached > 0);
        EmulatorApi.Fail("cuMemAlloc", 1, OutOfMemory);
        using var x = Tensor.Ones(300_000, device: faulty.Device);
        Assert.Equal(0, faulty.Device.Memory.Cached);
        Assert.All(x.ToArray(), value => Assert.Equal(1, value));
    }

    // Refused before it begins: nothing on the device has changed.
    [Theory]
    [InlineData("cuLaunchKernel", LaunchOutOfResources)]
    [InlineData("cuMemcpyHtoDAsync", InvalidValue)]
    [InlineData("cuMemcpyDtoHAsync", InvalidValue)]
    [InlineData("cuStreamSynchronize", InvalidValue)]
    public void A_call_that_is_refused_is_told_by_name_and_the_next_run_succeeds(string call, int code)
    {
        using var faulty = FaultDevice.OrSkip();
        var wanted = Train(faulty.Device);
        foreach (var n in (int[])[1, 2, 3, 5, 8, 13])
        {
            var before = faulty.Settled();
            EmulatorApi.Fail(call, n, code);
            var failure = Record.Exception(() => Train(faulty.Device));
            EmulatorApi.Reset();
            // Some calls are rarer than that.
            if (n == 1 || failure is not null)
            {
                Assert.IsType<DeviceException>(failure);
                Assert.Contains("cuda:3", failure.Message, StringComparison.Ordinal);
                Assert.Contains($"({code})", failure.Message, StringComparison.Ordinal);
                Assert.Contains(call == "cuLaunchKernel" ? "launch of " : call, failure.Message, StringComparison.Ordinal);
            }

            var after = faulty.Settled();
            Assert.Equal((before.Live, before.LiveTensors), (after.Live, after.LiveTensors));
            Assert.Null(faulty.Context.LostReason);
            Assert.Equal(wanted, Train(faulty.Device));
        }
    }

    [Theory]
    [InlineData("cuLaunchKernel", IllegalAddress)]
    [InlineData("cuLaunchKernel", LaunchFailure)]
    [InlineData("cuStreamSynchronize", IllegalAddress)]
    [InlineData("cuMemcpyHtoDAsync", LaunchFailure)]
    [InlineData("cuMemAlloc", IllegalAddress)]
    public void A_device_that_is_lost_says_so_ever_after_and_what_it_held_is_forgotten(string call, int code)
    {
        using var faulty = FaultDevice.OrSkip();
        var kept = Tensor.Ones(1000, device: faulty.Device);
        var late = new CudaEvent(faulty.Context);
        faulty.Device.Trim();
        EmulatorApi.Fail(call, 3, code, sticky: true);
        var first = Assert.IsType<DeviceException>(Record.Exception(() => Train(faulty.Device)));
        Assert.Contains($"({code})", first.Message, StringComparison.Ordinal);
        Assert.Contains("lost to this process", first.Message, StringComparison.Ordinal);
        foreach (var later in (Action[])[
            () => Tensor.Ones(10, device: faulty.Device).Dispose(), () => kept.ToArray(), faulty.Device.Synchronize,
            () => (kept + kept).Dispose(), () => Train(faulty.Device)])
        {
            var failure = Assert.IsType<DeviceException>(Record.Exception(later));
            Assert.Contains("lost to this process since an earlier error", failure.Message, StringComparison.Ordinal);
            Assert.Contains($"({code})", failure.Message, StringComparison.Ordinal);
        }

        kept.Dispose();
        late.Dispose();
        var end = faulty.Settled();
        Assert.Equal((0, 0, 0), (end.Live, end.Cached, end.LiveTensors));
    }

    [Fact]
    public void What_the_collector_finds_after_the_loss_throws_nothing()
    {
        using var faulty = FaultDevice.OrSkip();
        Forget(faulty);
        EmulatorApi.Fail("cuStreamSynchronize", 1, LaunchFailure, sticky: true);
        Assert.Throws<DeviceException>(faulty.Device.Synchronize);
        // A finalizer that throws would end the process.
        var end = faulty.Settled();
        Assert.Equal((0, 0), (end.Live, end.LiveTensors));

        static void Forget(FaultDevice faulty)
        {
            _ = new CudaEvent(faulty.Context);
            _ = new PinnedMemory(faulty.Context, 10);
            _ = new CudaDeviceVariable<float>(faulty.Context, 10, "test");
            _ = CublasHandle.TryCreate(faulty.Context);
        }
    }

    [Fact]
    public void Memory_that_cannot_be_pinned_makes_copies_slower_and_no_less_right()
    {
        EmulatedMachine.Prepare();
        Assert.SkipWhen(EmulatedMachine.UsesGpu || EmulatedMachine.UnavailableReason is not null, "faults are injected into the emulated device");
        EmulatorApi.Reset();
        // The first is the context's own, for faults of kernels.
        EmulatorApi.Fail("cuMemHostAlloc", 2, OutOfMemory);
        using var faulty = FaultDevice.OrSkipKeeping();
        using var x = Tensor.From([1f, 2, 3], 3, faulty.Device);
        Assert.Equal([1f, 2, 3], x.ToArray());
    }

    [Fact]
    public void Machine_code_for_another_device_is_an_error_that_names_the_call()
    {
        using var faulty = FaultDevice.OrSkip();
        EmulatorApi.Fail("cuModuleLoadData", 1, NoBinary);
        var failure = Assert.IsType<DeviceException>(Record.Exception(() => Tensor.Ones(3, device: faulty.Device)));
        Assert.Contains("cuModuleLoadData", failure.Message, StringComparison.Ordinal);
        Assert.Contains("(209)", failure.Message, StringComparison.Ordinal);
        using var x = Tensor.Ones(3, device: faulty.Device);
        Assert.Equal([1f, 1, 1], x.ToArray());
    }

    [Fact]
    public void A_damaged_cache_is_compiled_anew_and_mended()
    {
        using var folder = new TemporaryFolder();
        float[] wanted;
        using (var first = FaultDevice.OrSkip(folder.Path))
            wanted = Train(first.Device);
        var files = Directory.GetFiles(folder.Path);
        Assert.True(files.Length >= 4, $"{files.Length} families are in the cache");
        var contents = files.ToDictionary(file => file, File.ReadAllBytes);
        foreach (var (file, content) in contents)
            File.WriteAllBytes(file, content[..(content.Length / 2)]);
        using (var second = FaultDevice.OrSkip(folder.Path))
            Assert.Equal(wanted, Train(second.Device));
        Assert.All(contents, entry => Assert.Equal(entry.Value, File.ReadAllBytes(entry.Key)));
        Assert.Equal(files.Order(), Directory.GetFiles(folder.Path).Order());
    }

    [Fact]
    public void A_compiler_that_fails_is_told_with_its_words()
    {
        using var faulty = FaultDevice.OrSkip();
        EmulatorApi.Fail("nvrtcCompileProgram", 1, 6);
        var failure = Assert.IsType<DeviceException>(Record.Exception(() => Tensor.Ones(3, device: faulty.Device)));
        Assert.Contains("copy.cu does not compile", failure.Message, StringComparison.Ordinal);
        using var x = Tensor.Ones(3, device: faulty.Device);
        Assert.Equal([1f, 1, 1], x.ToArray());
    }

    // Two layers trained for a few steps on batches of many sizes, then evaluated: most operations, and blocks of many sizes.
    private static float[] Train(Device device)
    {
        var random = new RandomSource(3);
        using var hidden = new Linear(12, 40, random, device: device);
        using var norm = new BatchNorm2d(40, device: device);
        using var output = new Linear(40, 5, random, device: device);
        using var optimizer = new Sgd([hidden.Weight, hidden.Bias!, norm.Weight, norm.Bias, output.Weight, output.Bias!], 0.1, momentum: 0.9);
        var losses = new List<float>();
        foreach (var batch in (int[])[4, 9, 33, 70])
        {
            using var scope = Tensor.Scope();
            var values = new float[batch * 12];
            random.FillUniform(values);
            var x = Tensor.From(values, (batch, 12), device);
            var labels = Tensor.From([.. Enumerable.Range(0, batch).Select(i => i % 5)], batch, device);
            var z = norm.Forward(hidden.Forward(x).Reshape((batch, 1, 1, 40))).Reshape((batch, 40)).Relu().Dropout(0.25, seed: 7);
            var loss = Loss.CrossEntropy(output.Forward(z), labels);
            using var gradients = loss.Backward();
            optimizer.Step(gradients);
            losses.Add((float)loss.Item());
        }

        using var noGrad = Tensor.NoGrad();
        using var last = Tensor.Scope();
        norm.Training = false;
        var test = Tensor.Ones((3, 12), device: device);
        var logits = output.Forward(norm.Forward(hidden.Forward(test).Reshape((3, 1, 1, 40))).Reshape((3, 40)).Gelu());
        return [.. losses, .. logits.Softmax().ToArray()];
    }
}
