using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda.Loading;

/// <summary>Finds and loads the native libraries, and remembers every path that it tried.</summary>
/// <param name="folders">Where to look, as <see cref="LibraryFolders.Of"/> gives them.</param>
/// <param name="windows">Whether the files have Windows' names.</param>
internal sealed class LibrarySearch(IReadOnlyList<string> folders, bool windows)
{
    /// <summary>Loads a library.</summary>
    /// <param name="library">The library.</param>
    /// <param name="driverMajor">The CUDA version of the driver, or null where it is not known.</param>
    /// <param name="finding">What was found, or every path that was tried.</param>
    /// <returns>The handle, or 0.</returns>
    public nint Load(CudaLibrary library, int? driverMajor, out LibraryFinding finding)
    {
        var tried = new List<string>();
        string? problem = null;
        foreach (var name in LibraryNames.Of(library, windows, driverMajor))
        {
            foreach (var folder in folders)
            {
                var path = folder.Length == 0 ? name : Path.Combine(folder, name);
                if (folder.Length != 0 && !File.Exists(path))
                {
                    tried.Add(path);
                    continue;
                }

                foreach (var before in LibraryNames.Before(name))
                    LoadBefore(before, folder);
                if (TryLoad(path, out var handle, out var reason))
                {
                    var where = folder.Length == 0 ? PathOfLoaded(name) : path;
                    finding = new LibraryFinding(TitleOf(library), where, VersionOf(where), [.. tried, path], null, null);
                    return handle;
                }

                // The loader's text names the path itself where the file is there but broken; a bare name is simply not there.
                tried.Add(folder.Length == 0 ? $"{name} on the loader's path" : $"{path}: {reason}");
                if (folder.Length != 0)
                    problem ??= $"{path} cannot be loaded: {reason}";
            }
        }

        finding = new LibraryFinding(TitleOf(library), null, null, tried, problem ?? "not found", FixFor(library));
        return 0;
    }

    public static string TitleOf(CudaLibrary library) => library switch
    {
        CudaLibrary.Driver => "CUDA driver",
        CudaLibrary.Nvrtc => "NVRTC",
        CudaLibrary.Cublas => "cuBLAS",
        _ => "cuSOLVER",
    };

    public static string? FixFor(CudaLibrary library) => library switch
    {
        CudaLibrary.Driver => "install NVIDIA's driver (520 or newer); in a container, start it with GPU access (--gpus all)",
        CudaLibrary.Nvrtc => $"install the CUDA toolkit 11.8 or newer, or 'pip install nvidia-cuda-nvrtc-cu12', or set {LibraryFolders.Variable} to the folder of the libraries",
        CudaLibrary.Cublas => "optional: with it (CUDA toolkit, or 'pip install nvidia-cublas-cu12') large products are faster",
        CudaLibrary.Cusolver => "optional: with it (CUDA toolkit, or 'pip install nvidia-cusolver-cu12') its solvers can be chosen",
        // Only a profiler looks at ranges, and a profiler brings it.
        _ => null,
    };

    private void LoadBefore(string pattern, string beside)
    {
        foreach (var folder in folders.Prepend(beside))
        {
            if (folder.Length == 0)
            {
                if (!pattern.Contains('*', StringComparison.Ordinal) && TryLoad(pattern, out _, out _))
                    return;
                continue;
            }

            string[] files;
            try
            {
                files = Directory.GetFiles(folder, pattern.Replace("[0-9]", "", StringComparison.Ordinal));
            }
            catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            Array.Sort(files, StringComparer.Ordinal);
            foreach (var file in files)
                TryLoad(file, out _, out _);
            if (files.Length > 0)
                return;
        }
    }

    private static bool TryLoad(string path, out nint handle, out string reason)
    {
        reason = "";
        try
        {
            // A bare name must not be found in the working folder, where anyone may have put it. dlopen never looks there.
            handle = Path.IsPathFullyQualified(path) || !OperatingSystem.IsWindows()
                ? NativeLibrary.Load(path)
                : NativeLibrary.Load(path, typeof(LibrarySearch).Assembly, DllImportSearchPath.SafeDirectories);
            return true;
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            handle = 0;
            reason = failure.Message.Trim().ReplaceLineEndings("; ");
            return false;
        }
    }

    // The loader does not say where it found a bare name; the process's list of files does.
    private static string PathOfLoaded(string name)
    {
        var stem = name[..(name.IndexOf(".so", StringComparison.Ordinal) is var so and >= 0 ? so + 3 : name.Length)];
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
        {
            using (module)
            {
                if (Path.GetFileName(module.FileName).StartsWith(stem, StringComparison.OrdinalIgnoreCase))
                    return module.FileName;
            }
        }

        return name;
    }

    // libcublas.so.12 usually is a link to libcublas.so.12.4.5.8.
    private static string? VersionOf(string path)
    {
        try
        {
            var name = Path.GetFileName(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            return name.IndexOf(".so.", StringComparison.Ordinal) is var so and >= 0 ? name[(so + 4)..] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
