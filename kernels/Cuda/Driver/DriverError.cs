using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>The driver's errors: which of them end the use of a device, and the text of all of them.</summary>
internal static unsafe class DriverError
{
    // Newer than the headers that the tests hold the other numbers against: of CUDA 12.8 and later.
    private const int Contained = 226;
    private const int TensorMemoryLeak = 721;

    /// <summary>Whether the context is of no use any more: every later call on it fails with the same error.</summary>
    /// <remarks>
    /// Those of which NVIDIA's documentation says that the process must be terminated and launched again, or that the context cannot be
    /// used any more; and hardware that fails. Not sticky: an image or a launch that is refused, memory that is short, a recording that
    /// is broken (9xx but 911), and MPS where it has not taken this process in (80x), which a later try may change.
    /// </remarks>
    public static bool IsSticky(int error) => error is
        DriverApi.CUDA_ERROR_DEINITIALIZED
        or DriverApi.CUDA_ERROR_ECC_UNCORRECTABLE or DriverApi.CUDA_ERROR_NVLINK_UNCORRECTABLE or Contained
        or DriverApi.CUDA_ERROR_ILLEGAL_ADDRESS or DriverApi.CUDA_ERROR_LAUNCH_TIMEOUT or DriverApi.CUDA_ERROR_CONTEXT_IS_DESTROYED
        or DriverApi.CUDA_ERROR_ASSERT or DriverApi.CUDA_ERROR_HARDWARE_STACK_ERROR or DriverApi.CUDA_ERROR_ILLEGAL_INSTRUCTION
        or DriverApi.CUDA_ERROR_MISALIGNED_ADDRESS or DriverApi.CUDA_ERROR_INVALID_ADDRESS_SPACE or DriverApi.CUDA_ERROR_INVALID_PC
        or DriverApi.CUDA_ERROR_LAUNCH_FAILED or TensorMemoryLeak
        or DriverApi.CUDA_ERROR_MPS_CLIENT_TERMINATED or DriverApi.CUDA_ERROR_EXTERNAL_DEVICE;

    /// <summary>Name, number and text: <c>CUDA_ERROR_INVALID_VALUE (1): invalid argument</c>.</summary>
    public static string Text(int error)
    {
        byte* name = null, text = null;
        _ = DriverApi.cuGetErrorName(error, &name);
        _ = DriverApi.cuGetErrorString(error, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"} ({error}): {Marshal.PtrToStringUTF8((nint)text) ?? "no text"}";
    }
}
