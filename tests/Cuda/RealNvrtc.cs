using EscNative.Kernels.Cuda.Loading;
using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Tests.Cuda;

/// <summary>
/// The real NVRTC, which needs no GPU: every version in the folders of <c>ESC_NVRTC_PATH</c>, else what the product would find.
/// Where there is none the tests skip with the reason; in CI that is a failure.
/// </summary>
internal static class RealNvrtc
{
    private const string Variable = "ESC_NVRTC_PATH";

    private static readonly Lazy<IReadOnlyDictionary<string, NvrtcLibrary>> Found = new(Search);

    public static IEnumerable<string> Versions => Found.Value.Keys.DefaultIfEmpty("none");

    /// <summary>The NVRTC of a version that <see cref="Versions"/> names.</summary>
    public static NvrtcLibrary OrSkip(string version)
    {
        if (Found.Value.TryGetValue(version, out var nvrtc))
            return nvrtc;
        var reason = $"no NVRTC: set {Variable} to the folders of libnvrtc.so.12 and libnvrtc.so.11.2, or install the CUDA toolkit";
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.Skip(reason);
        throw new InvalidOperationException("not reached");
    }

    private static SortedDictionary<string, NvrtcLibrary> Search()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        var folders = string.IsNullOrEmpty(named)
            ? LibraryFolders.Of(name => name == LibraryFolders.Variable ? null : Environment.GetEnvironmentVariable(name), OperatingSystem.IsWindows())
            : named.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var found = new SortedDictionary<string, NvrtcLibrary>(StringComparer.Ordinal);
        foreach (var folder in folders)
        {
            var handle = new LibrarySearch([folder], OperatingSystem.IsWindows()).Load(CudaLibrary.Nvrtc, null, out _);
            if (handle != 0 && new NvrtcLibrary(handle) is var nvrtc)
                found.TryAdd(nvrtc.Version.ToString(), nvrtc);
        }

        return found;
    }
}
