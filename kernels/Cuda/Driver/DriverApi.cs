using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>The entry points of the CUDA driver that are called, as they are. They return a CUresult.</summary>
/// <remarks>Names with _v2 are what the header's plain names have meant since CUDA 4; all exist from the 11.8 driver on.</remarks>
internal static unsafe partial class DriverApi
{
    private const string Cuda = NativeLibraries.Cuda;

    [LibraryImport(Cuda)]
    public static partial int cuInit(uint flags);

    [LibraryImport(Cuda)]
    public static partial int cuDriverGetVersion(int* version);

    [LibraryImport(Cuda)]
    public static partial int cuGetErrorName(int error, byte** text);

    [LibraryImport(Cuda)]
    public static partial int cuGetErrorString(int error, byte** text);

    [LibraryImport(Cuda)]
    public static partial int cuDeviceGetCount(int* count);

    [LibraryImport(Cuda)]
    public static partial int cuDeviceGet(int* device, int ordinal);

    [LibraryImport(Cuda)]
    public static partial int cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Cuda)]
    public static partial int cuDeviceGetAttribute(int* value, int attribute, int device);

    [LibraryImport(Cuda, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial int cuDeviceTotalMem(nuint* bytes, int device);

    [LibraryImport(Cuda)]
    public static partial int cuDevicePrimaryCtxRetain(nint* context, int device);

    [LibraryImport(Cuda, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial int cuDevicePrimaryCtxRelease(int device);

    [LibraryImport(Cuda)]
    public static partial int cuCtxSetCurrent(nint context);

    [LibraryImport(Cuda, EntryPoint = "cuMemGetInfo_v2")]
    public static partial int cuMemGetInfo(nuint* free, nuint* total);

    [LibraryImport(Cuda, EntryPoint = "cuMemAlloc_v2")]
    public static partial int cuMemAlloc(nint* pointer, nuint bytes);

    [LibraryImport(Cuda, EntryPoint = "cuMemFree_v2")]
    public static partial int cuMemFree(nint pointer);

    [LibraryImport(Cuda)]
    public static partial int cuMemHostAlloc(nint* pointer, nuint bytes, uint flags);

    [LibraryImport(Cuda)]
    public static partial int cuMemFreeHost(nint pointer);

    [LibraryImport(Cuda, EntryPoint = "cuMemHostGetDevicePointer_v2")]
    public static partial int cuMemHostGetDevicePointer(nint* device, nint host, uint flags);

    [LibraryImport(Cuda, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int cuMemcpyHtoDAsync(nint destination, void* source, nuint bytes, nint stream);

    [LibraryImport(Cuda, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int cuMemcpyDtoHAsync(void* destination, nint source, nuint bytes, nint stream);

    [LibraryImport(Cuda, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    public static partial int cuMemcpyDtoDAsync(nint destination, nint source, nuint bytes, nint stream);

    [LibraryImport(Cuda)]
    public static partial int cuMemsetD8Async(nint destination, byte value, nuint bytes, nint stream);

    [LibraryImport(Cuda)]
    public static partial int cuModuleLoadData(nint* module, void* image);

    [LibraryImport(Cuda)]
    public static partial int cuModuleUnload(nint module);

    [LibraryImport(Cuda)]
    public static partial int cuModuleGetFunction(nint* function, nint module, byte* name);

    [LibraryImport(Cuda)]
    public static partial int cuFuncSetAttribute(nint function, int attribute, int value);

    [LibraryImport(Cuda)]
    public static partial int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, nint function, int blockSize, nuint sharedBytes);

    [LibraryImport(Cuda)]
    public static partial int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, nint stream, void** arguments, void** extra);

    [LibraryImport(Cuda)]
    public static partial int cuLaunchCooperativeKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, nint stream, void** arguments);

    [LibraryImport(Cuda)]
    public static partial int cuStreamCreate(nint* stream, uint flags);

    [LibraryImport(Cuda, EntryPoint = "cuStreamDestroy_v2")]
    public static partial int cuStreamDestroy(nint stream);

    [LibraryImport(Cuda)]
    public static partial int cuStreamSynchronize(nint stream);

    [LibraryImport(Cuda, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int cuStreamBeginCapture(nint stream, int mode);

    [LibraryImport(Cuda)]
    public static partial int cuStreamEndCapture(nint stream, nint* graph);

    [LibraryImport(Cuda)]
    public static partial int cuGraphInstantiateWithFlags(nint* instance, nint graph, ulong flags);

    [LibraryImport(Cuda)]
    public static partial int cuGraphLaunch(nint instance, nint stream);

    [LibraryImport(Cuda)]
    public static partial int cuGraphExecDestroy(nint instance);

    [LibraryImport(Cuda)]
    public static partial int cuGraphDestroy(nint graph);

    [LibraryImport(Cuda)]
    public static partial int cuEventCreate(nint* created, uint flags);

    [LibraryImport(Cuda, EntryPoint = "cuEventDestroy_v2")]
    public static partial int cuEventDestroy(nint destroyed);

    [LibraryImport(Cuda)]
    public static partial int cuEventRecord(nint recorded, nint stream);

    [LibraryImport(Cuda)]
    public static partial int cuEventQuery(nint queried);

    [LibraryImport(Cuda)]
    public static partial int cuEventSynchronize(nint waited);

    [LibraryImport(Cuda)]
    public static partial int cuEventElapsedTime(float* milliseconds, nint start, nint end);
}
