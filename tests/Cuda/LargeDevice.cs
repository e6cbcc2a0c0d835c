using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>An emulated device that runs the ends of a launch on sparse memory, which is the host's.</summary>
internal sealed unsafe class LargeDevice : IDisposable
{
    private readonly CudaMachine _machine;
    private readonly SparseMemory _memory = new();

    public LargeDevice()
    {
        Assert.SkipWhen(EmulatedMachine.UsesGpu, "arrays larger than memory are the emulator's");
        _machine = CudaMachine.Use("reverse");
        EmulatorApi.Ends();
    }

    public CudaContext Context => _machine.Context;

    public T* Zeros<T>(long count)
        where T : unmanaged => _memory.Zeros<T>(count);

    public void Wait()
    {
        try
        {
            Context.Stream.Synchronize();
        }
        catch (DeviceException lost) when (EmulatorApi.Errors(out var first) > 0)
        {
            throw new InvalidOperationException(first, lost);
        }
    }

    public void Check<T>(T* values, long count, T first, T last)
        where T : unmanaged
    {
        Wait();
        Assert.Equal((first, last), (values[0], values[count - 1]));
    }

    public void Close(float* values, long count, float first, float last)
    {
        Wait();
        Assert.Equal(first, values[0], 1e-5f * MathF.Abs(first));
        Assert.Equal(last, values[count - 1], 1e-5f * MathF.Abs(last));
    }

    public void Dispose()
    {
        _machine.Dispose();
        _memory.Dispose();
    }
}
