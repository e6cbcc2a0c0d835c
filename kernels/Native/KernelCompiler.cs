namespace EscNative.Kernels.Cuda;

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
    public static NvrtcResult Compile(Nvrtc nvrtc, string family, string architecture, bool verbose = false) =>
        nvrtc.Compile(
            family + ".cu", KernelSources.OfFamily(family), KernelSources.Headers, HeaderTexts(), Options(architecture, verbose));

    /// <summary>The machine code of a family for a device of a compute capability.</summary>
    /// <exception cref="DeviceException">It does not compile, or this NVRTC does not know the device.</exception>
    public static byte[] MachineCode(Nvrtc nvrtc, CubinCache cache, string family, int major, int minor)
    {
        var architecture = $"sm_{nvrtc.ArchitectureFor(major, minor)}";
        var key = CubinCache.Key(
            [KernelSources.OfFamily(family), .. HeaderTexts(), .. Options(architecture), nvrtc.Version.ToString()]);
        if (cache.Find(family, key) is { } known)
            return known;
        var image = Compile(nvrtc, family, architecture).Image;
        cache.Keep(family, key, image);
        return image;
    }

    private static string[] HeaderTexts() => Array.ConvertAll(KernelSources.Headers, KernelSources.Read);
}
