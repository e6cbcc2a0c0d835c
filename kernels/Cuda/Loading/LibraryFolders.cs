namespace EscNative.Kernels.Cuda.Loading;

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
        foreach (var root in PythonRoots(environment).Where(root => !string.IsNullOrEmpty(root)))
        {
            // Debian's own python3 has one folder for all of its versions.
            yield return Path.Combine(root!, "lib", "python3", "dist-packages");
            foreach (var python in Matches(Path.Combine(root!, "lib"), "python3.*"))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }

    // Where Pythons and their environments stand: the active one, that of the python3 on the path, the user's own, the usual places of
    // virtual environments and of conda, and the system's.
    private static IEnumerable<string?> PythonRoots(Func<string, string?> environment)
    {
        yield return environment("VIRTUAL_ENV");
        yield return environment("CONDA_PREFIX");
        foreach (var root in PythonsOnPath(environment("PATH")))
            yield return root;
        if (environment("HOME") is { Length: > 0 } home && Path.IsPathFullyQualified(home))
        {
            yield return Path.Combine(home, ".local");
            yield return Path.Combine(home, ".venv");
            yield return Path.Combine(home, "venv");
            foreach (var conda in new[] { "miniconda3", "anaconda3", "miniforge3", "mambaforge" })
            {
                yield return Path.Combine(home, conda);
                foreach (var named in Matches(Path.Combine(home, conda, "envs"), "*"))
                    yield return named;
            }

            foreach (var version in Matches(Path.Combine(environment("PYENV_ROOT") is { Length: > 0 } pyenv ? pyenv : Path.Combine(home, ".pyenv"), "versions"), "*"))
                yield return version;
        }

        yield return "/usr/local";
        yield return "/usr";
        yield return "/venv";
        yield return "/opt/conda";
        foreach (var named in Matches("/opt/conda/envs", "*"))
            yield return named;
        // /opt/venv, /opt/pytorch, /opt/python-3.12 and what else an image calls its environment.
        foreach (var named in Matches("/opt", "*"))
        {
            yield return named;
            yield return Path.Combine(named, "venv");
            yield return Path.Combine(named, ".venv");
        }
    }

    // The prefix of each python3 that the path names: the folder above its bin, which is an environment if pyvenv.cfg stands in it, and
    // above that of the file that it links to. No Python is started for it.
    private static IEnumerable<string> PythonsOnPath(string? path)
    {
        foreach (var folder in (path ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Where(Path.IsPathFullyQualified))
        {
            foreach (var name in new[] { "python3", "python" })
            {
                var file = new FileInfo(Path.Combine(folder, name));
                string? target = null;
                try
                {
                    if (!file.Exists)
                        continue;
                    target = file.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
                }
                catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
                {
                    // A link that leads nowhere.
                }

                if (Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folder)) is { } prefix)
                    yield return prefix;
                if (target is not null && Path.GetDirectoryName(Path.GetDirectoryName(target)) is { } real)
                    yield return real;
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
