using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>The device memory behind tensors, for kernels that are not the engine's.</summary>
/// <remarks>Everything of a device is issued on one stream: what is launched on <see cref="CudaContext.Stream"/> after an operation sees
/// its result, and memory that is disposed is not used again before it.</remarks>
public static class CudaInterop
{
    /// <summary>The GPU of a device, or null for the CPU.</summary>
    /// <param name="device">The device.</param>
    public static CudaContext? ContextOf(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return (device.Backend as CudaBackend)?.Context;
    }

    /// <summary>The device address of a tensor's first value.</summary>
    /// <param name="tensor">Contiguous, on a GPU. The open <see cref="KernelCall"/> holds its memory until the work with the address is
    /// issued.</param>
    /// <exception cref="InvalidOperationException">No call is open on this thread.</exception>
    /// <exception cref="UsageException">It is on the CPU, or not contiguous.</exception>
    public static nint AddressOf(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.IsContiguous && tensor.Device.Backend is CudaBackend
            ? tensor.Pointer
            : throw new UsageException($"device address: got {tensor}, wants a contiguous tensor on a GPU");
    }
}
