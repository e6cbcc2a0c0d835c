using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda.Loading;

/// <summary>The loaded libraries of this process, and the resolver that gives them to the imports.</summary>
internal static class NativeLibraries
{
    // The names that the imports use; no file is called so.
    public const string Cuda = "cuda";
    public const string Cublas = "cublas";
    public const string Cusolver = "cusolver";

    private static readonly Lock Lock = new();
    private static readonly nint[] Handles = new nint[Enum.GetValues<CudaLibrary>().Length];
    private static readonly LibraryFinding?[] Found = new LibraryFinding?[Handles.Length];

    private static readonly LibrarySearch Search = new(
        LibraryFolders.Of(Environment.GetEnvironmentVariable, OperatingSystem.IsWindows()), OperatingSystem.IsWindows());

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(
        typeof(NativeLibraries).Assembly,
        (name, _, _) => name switch
        {
            Cuda => Handles[(int)CudaLibrary.Driver],
            Cublas => Handles[(int)CudaLibrary.Cublas],
            Cusolver => Handles[(int)CudaLibrary.Cusolver],
            _ => 0,
        });

    /// <summary>Searches for a library the first time, and loads it.</summary>
    /// <param name="library">The library.</param>
    /// <param name="driverMajor">The CUDA version of the driver, or null where it is not known.</param>
    /// <param name="finding">What was found.</param>
    /// <returns>The handle, or 0.</returns>
    public static nint Load(CudaLibrary library, int? driverMajor, out LibraryFinding finding)
    {
        lock (Lock)
        {
            if (Found[(int)library] is null)
            {
                Handles[(int)library] = Search.Load(library, driverMajor, out finding);
                Found[(int)library] = finding;
            }

            finding = Found[(int)library]!;
            return Handles[(int)library];
        }
    }
}
