using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>That the machine that kernels are tested on would notice: buffers, reports, and the way back from them.</summary>
public sealed class CudaMachineTests
{
    [Theory]
    [MemberData(nameof(CudaMachine.All), MemberType = typeof(CudaMachine))]
    public void A_kernel_computes_and_fresh_buffers_are_NaN(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ElementwiseKernels(machine.Context);
        float[] x = [.. Enumerable.Range(0, 1001).Select(i => i - 500f)];
        var (px, py) = (machine.Upload(x), machine.Allocate<float>(x.Length));
        Assert.All(machine.Download<float>(py, x.Length), v => Assert.True(float.IsNaN(v)));
        kernels.Unary(DType.F32, UnaryOp.Relu, px, py, x.Length);
        Assert.Equal(x.Select(v => Math.Max(v, 0)), machine.Download<float>(py, x.Length));
    }

    [Fact]
    public void A_step_past_the_end_of_a_buffer_is_reported_and_the_next_test_has_a_working_machine()
    {
        // Real hardware would not notice: allocations are rounded up.
        Assert.SkipWhen(EmulatedMachine.UsesGpu, "a GPU does not check bounds to the byte");
        var machine = CudaMachine.Use("checked");
        var kernels = new ElementwiseKernels(machine.Context);
        var (px, py) = (machine.Upload(new float[8]), machine.Allocate<float>(7));
        kernels.Unary(DType.F32, UnaryOp.Relu, px, py, 8);
        var lost = Assert.Throws<DeviceException>(machine.Context.Stream.Synchronize);
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", lost.Message, StringComparison.Ordinal);
        Assert.Contains("a buffer of 28", Assert.ThrowsAny<Exception>(machine.Dispose).Message, StringComparison.Ordinal);
        A_kernel_computes_and_fresh_buffers_are_NaN("checked");
    }

    [Fact]
    public void Every_family_has_a_host_build_in_both_flavours()
    {
        foreach (var name in (string[])["reverse", "checked"])
        {
            using var machine = CudaMachine.Use(EmulatedMachine.UsesGpu ? "gpu" : name);
            foreach (var family in KernelSources.Families)
                machine.Context.Module(family);
        }
    }
}
