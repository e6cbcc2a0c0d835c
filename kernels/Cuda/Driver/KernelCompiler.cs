using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Compiles the embedded sources to machine code for a device, or takes it from the cache on disk.</summary>
internal static class KernelCompiler
{
    /// <summary>The options of every compilation: here and in the tests that assert what comes out.</summary>
    /// <param name="architecture">As <c>sm_90</c> for machine code, <c>compute_90</c> for PTX.</param>
    /// <param name="verbose">Whether the log tells each kernel's registers, stack and spills.</param>
    public static IReadOnlyList<string> Options(string architecture, bool verbose = false)
    {
        // No fast math: a kernel that wants an approximation names it.
        string[] options = [$"--gpu-architecture={architecture}", "--std=c++17", "-default-device"];
        return verbose ? [.. options, "--ptxas-options=-v"] : options;
    }

    /// <summary>Compiles a family with no regard to the cache.</summary>
    /// <exception cref="DeviceException">It does not compile; the message holds the log.</exception>
    public static NvrtcResult Compile(NvrtcLibrary nvrtc, string family, string architecture, bool verbose = false) =>
        nvrtc.Compile(
            family + ".cu", KernelSources.OfFamily(family), KernelSources.Headers, HeaderTexts(), Options(architecture, verbose));

    /// <summary>The machine code of a family for a device.</summary>
    /// <param name="isKept">Whether it comes from the cache, where it may be worth another look if it does not load.</param>
    /// <exception cref="DeviceException">It does not compile, or this NVRTC does not know the device.</exception>
    public static byte[] MachineCode(NvrtcLibrary nvrtc, CubinCache cache, string family, CudaDeviceInfo device, out bool isKept)
    {
        var known = cache.Find(family, KeyOf(nvrtc, family, device));
        isKept = known is not null;
        return known ?? CompileAndKeep(nvrtc, cache, family, device);
    }

    /// <summary>The same without a look into the cache, whose entry is replaced.</summary>
    /// <exception cref="DeviceException">It does not compile, or this NVRTC does not know the device.</exception>
    public static byte[] CompileAndKeep(NvrtcLibrary nvrtc, CubinCache cache, string family, CudaDeviceInfo device)
    {
        var image = Compile(nvrtc, family, ArchitectureFor(nvrtc, device)).Image;
        cache.Keep(family, KeyOf(nvrtc, family, device), image);
        return image;
    }

    /// <summary>The cache's key: the sources and options, the compiler, emulated or not, and the device.</summary>
    public static string KeyOf(NvrtcLibrary nvrtc, string family, CudaDeviceInfo device)
    {
        var architecture = ArchitectureFor(nvrtc, device);
        return CubinCache.Key(
        [
            KernelSources.OfFamily(family), .. HeaderTexts(), .. Options(architecture),
            nvrtc.Identity, device.Name, $"{device.Major}.{device.Minor}", $"driver {CudaRuntime.DriverVersion}",
        ]);
    }

    private static string ArchitectureFor(NvrtcLibrary nvrtc, CudaDeviceInfo device) => $"sm_{nvrtc.ArchitectureFor(device.Major, device.Minor)}";

    private static string[] HeaderTexts() => Array.ConvertAll(KernelSources.Headers, KernelSources.Read);
}
