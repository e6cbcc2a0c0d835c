namespace EscNative.Kernels.Cuda.Driver;

/// <summary>The values of cuda.h that are passed or compared, under its names. The tests hold them against NVIDIA's headers.</summary>
internal static unsafe partial class DriverApi
{
    // CUresult
    public const int CUDA_ERROR_OUT_OF_MEMORY = 2;
    public const int CUDA_ERROR_DEINITIALIZED = 4;
    public const int CUDA_ERROR_INVALID_IMAGE = 200;
    public const int CUDA_ERROR_NO_BINARY_FOR_GPU = 209;
    public const int CUDA_ERROR_ECC_UNCORRECTABLE = 214;
    public const int CUDA_ERROR_NVLINK_UNCORRECTABLE = 220;
    public const int CUDA_ERROR_NOT_FOUND = 500;
    public const int CUDA_ERROR_NOT_READY = 600;
    public const int CUDA_ERROR_ILLEGAL_ADDRESS = 700;
    public const int CUDA_ERROR_LAUNCH_TIMEOUT = 702;
    public const int CUDA_ERROR_CONTEXT_IS_DESTROYED = 709;
    public const int CUDA_ERROR_ASSERT = 710;
    public const int CUDA_ERROR_HARDWARE_STACK_ERROR = 714;
    public const int CUDA_ERROR_ILLEGAL_INSTRUCTION = 715;
    public const int CUDA_ERROR_MISALIGNED_ADDRESS = 716;
    public const int CUDA_ERROR_INVALID_ADDRESS_SPACE = 717;
    public const int CUDA_ERROR_INVALID_PC = 718;
    public const int CUDA_ERROR_LAUNCH_FAILED = 719;
    public const int CUDA_ERROR_MPS_CLIENT_TERMINATED = 810;
    public const int CUDA_ERROR_EXTERNAL_DEVICE = 911;

    // CUdevice_attribute
    public const int CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
    public const int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
    public const int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
    public const int CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH = 95;
    public const int CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97;

    // CUfunction_attribute
    public const int CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

    // Flags
    public const uint CU_MEMHOSTALLOC_PORTABLE = 1;
    public const uint CU_MEMHOSTALLOC_DEVICEMAP = 2;
    public const uint CU_STREAM_NON_BLOCKING = 1;
    public const uint CU_EVENT_DISABLE_TIMING = 2;

    // CUstreamCaptureMode: only calls of the recording thread are held to the rules of recording.
    public const int CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1;
}
