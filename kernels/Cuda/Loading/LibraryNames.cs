
namespace EscNative.Kernels.Cuda.Loading;

/// <summary>How the libraries' files are called on each system.</summary>
internal static class LibraryNames
{
    // The newest CUDA that is known; newer ones keep the driver's name, and the rest is found as soon as the names are added here.
    private static readonly int[] CudaMajors = [13, 12, 11];

    /// <summary>The file names of a library, best first: newest first, but those newer than the driver last, which may refuse them.</summary>
    /// <param name="library">The library.</param>
    /// <param name="windows">Whether Windows' names are wanted, or Linux'.</param>
    /// <param name="driverMajor">The CUDA version of the driver (12 for 12.4), or null where it is not known.</param>
    public static IReadOnlyList<string> Of(CudaLibrary library, bool windows, int? driverMajor = null)
    {
        var majors = CudaMajors.OrderBy(major => major > driverMajor).ThenByDescending(major => major);
        return library switch
        {
            CudaLibrary.Driver => [windows ? "nvcuda.dll" : "libcuda.so.1"],
            CudaLibrary.Nvrtc => [.. majors.Select(major => (major, windows) switch
            {
                // Since 11.3 all of CUDA 11 keeps the name of 11.2.
                (11, true) => "nvrtc64_112_0.dll",
                (11, false) => "libnvrtc.so.11.2",
                (_, true) => $"nvrtc64_{major}0_0.dll",
                _ => $"libnvrtc.so.{major}",
            })],
            CudaLibrary.Cublas => [.. majors.Select(major => windows ? $"cublas64_{major}.dll" : $"libcublas.so.{major}")],
            // cuSOLVER's number is one behind: 11 belongs to CUDA 11 and 12.
            CudaLibrary.Cusolver => [.. majors
                .Select(major => Math.Max(major - 1, 11)).Distinct()
                .Select(number => windows ? $"cusolver64_{number}.dll" : $"libcusolver.so.{number}")],
            _ => throw new ArgumentOutOfRangeException(nameof(library)),
        };
    }

    /// <summary>Files that must be loaded before a library, because it looks for them by their bare name: patterns, in order.</summary>
    /// <param name="file">The library's file name.</param>
    public static IReadOnlyList<string> Before(string file) => file switch
    {
        "libnvrtc.so.11.2" => ["libnvrtc-builtins.so.11.[0-9]*"],
        "nvrtc64_112_0.dll" => ["nvrtc-builtins64_11*.dll"],
        "libcusolver.so.11" => ["libcublasLt.so.12", "libcublas.so.12", "libnvJitLink.so.12", "libcusparse.so.12", "libcublasLt.so.11", "libcublas.so.11", "libcusparse.so.11"],
        "libcusolver.so.12" => ["libcublasLt.so.13", "libcublas.so.13", "libnvJitLink.so.13", "libcusparse.so.12"],
        _ when file.StartsWith("libnvrtc.so.", StringComparison.Ordinal) => [file.Replace("libnvrtc.so", "libnvrtc-builtins.so", StringComparison.Ordinal) + ".*"],
        _ when file.StartsWith("nvrtc64_", StringComparison.Ordinal) => [$"nvrtc-builtins64_{file[8..10]}*.dll"],
        _ when file.StartsWith("libcublas.so.", StringComparison.Ordinal) => [file.Replace("libcublas", "libcublasLt", StringComparison.Ordinal)],
        _ when file.StartsWith("cublas64_", StringComparison.Ordinal) => [file.Replace("cublas64", "cublasLt64", StringComparison.Ordinal)],
        _ => [],
    };
}
