namespace EscNative.Kernels.Cuda;

/// <summary>Where native libraries are looked for.</summary>
internal static class LibraryFolders
{
    /// <summary>Names the only folders to search, so that libraries of two installations never meet.</summary>
    public const string Variable = "ESC_CUDA_PATH";

    /// <summary>The folders in order; an empty name stands for the loader's own path.</summary>
    /// <param name="environment">The value of an environment variable, or null.</param>
    /// <param name="windows">Whether to search as on Windows, or as on Linux.</param>
    public static IReadOnlyList<string> Of(Func<string, string?> environment, bool windows)
    {
        if (environment(Variable) is { Length: > 0 } only)
            return only.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var folders = windows ? Windows(environment) : Linux(environment);
        return [.. folders.Prepend("").Distinct(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Windows(Func<string, string?> environment)
    {
        if (environment("CUDA_PATH") is { Length: > 0 } toolkit)
        {
            yield return Path.Combine(toolkit, "bin");
            yield return Path.Combine(toolkit, "bin", "x64");
        }

        if (environment("ProgramFiles") is { Length: > 0 } programs)
        {
            foreach (var version in Matches(Path.Combine(programs, "NVIDIA GPU Computing Toolkit", "CUDA"), "v*"))
            {
                yield return Path.Combine(version, "bin");
                yield return Path.Combine(version, "bin", "x64");
            }
        }

        string?[] environments = [environment("VIRTUAL_ENV"), environment("CONDA_PREFIX")];
        foreach (var python in environments.Where(python => !string.IsNullOrEmpty(python)))
        {
            yield return Path.Combine(python!, "Library", "bin");
            foreach (var package in Matches(Path.Combine(python!, "Lib", "site-packages", "nvidia"), "*"))
            {
                yield return Path.Combine(package, "bin");
                yield return Path.Combine(package, "bin", "x86_64");
            }
        }
    }

    private static IEnumerable<string> Linux(Func<string, string?> environment)
    {
        string?[] named = [environment("CUDA_PATH"), environment("CUDA_HOME")];
        var toolkits = named.Where(toolkit => !string.IsNullOrEmpty(toolkit)).Select(toolkit => toolkit!)
            .Append("/usr/local/cuda")
            .Concat(Matches("/usr/local", "cuda-*"));
        foreach (var toolkit in toolkits)
        {
            yield return Path.Combine(toolkit, "lib64");
            yield return Path.Combine(toolkit, "targets/x86_64-linux/lib");
        }

        // The driver's own folders: in containers, and under WSL.
        yield return "/usr/local/nvidia/lib64";
        yield return "/usr/lib/wsl/lib";
        foreach (var packages in PythonPackages(environment))
        {
            // One package a library until CUDA 12, one for all (cu13) since.
            foreach (var package in Matches(Path.Combine(packages, "nvidia"), "*"))
                yield return Path.Combine(package, "lib");
        }

        if (environment("CONDA_PREFIX") is { Length: > 0 } conda)
            yield return Path.Combine(conda, "lib");
    }

    private static IEnumerable<string> PythonPackages(Func<string, string?> environment)
    {
        string?[] roots =
        [
            environment("VIRTUAL_ENV"), environment("CONDA_PREFIX"),
            environment("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local") : null,
            "/usr/local", "/usr", "/opt/conda",
        ];
        foreach (var root in roots.Where(root => !string.IsNullOrEmpty(root)))
        {
            foreach (var python in Matches(Path.Combine(root!, "lib"), "python3*"))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }

    // Folders that match, the newest version first.
    private static IEnumerable<string> Matches(string parent, string pattern)
    {
        try
        {
            return [.. Directory.GetDirectories(parent, pattern).OrderByDescending(VersionIn).ThenBy(path => path, StringComparer.Ordinal)];
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static Version VersionIn(string path) =>
        Version.TryParse(Path.GetFileName(path).TrimStart([.. "abcdefghijklmnopqrstuvwxyz-"]), out var version) ? version : new Version(0, 0);
}
