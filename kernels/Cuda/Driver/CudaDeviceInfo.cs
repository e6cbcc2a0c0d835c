namespace EscNative.Kernels.Cuda.Driver;

/// <summary>A device as its driver describes it.</summary>
/// <param name="Ordinal">Its number, from 0.</param>
/// <param name="Name">Its name.</param>
/// <param name="Major">The first part of its compute capability.</param>
/// <param name="Minor">The second part.</param>
/// <param name="Multiprocessors">How many multiprocessors it has.</param>
/// <param name="MemoryBytes">Its memory, in bytes.</param>
public sealed record CudaDeviceInfo(int Ordinal, string Name, int Major, int Minor, int Multiprocessors, long MemoryBytes);
