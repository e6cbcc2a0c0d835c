using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Tests.Cuda;

namespace EscNative.Tests.Numbers;

/// <summary>The devices whose results a test of this folder compares: the CPU, and a GPU or the emulated one.</summary>
public static class NumberDevices
{
    public static TheoryData<string> Both => ["cpu", "cuda"];

    /// <summary>The device of a name; skips where there is no CUDA, which CI forbids.</summary>
    public static Device Get(string name)
    {
        if (name == "cpu")
            return Device.Cpu;
        CudaMachine.Prepare();
        if (!CudaRuntime.IsAvailable)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", CudaRuntime.UnavailableReason);
            Assert.Skip("no CUDA");
        }

        return Device.Cuda();
    }

    /// <summary>The values in float64.</summary>
    public static double[] Wide(this Tensor tensor) => tensor.To(DType.F64).ToArray<double>();
}
