using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

[assembly: AssemblyFixture(typeof(EscNative.Tests.Cuda.EmulatedMachine))]

namespace EscNative.Tests.Cuda;

/// <summary>
/// Builds the emulated CUDA machine of tests/emulation and points the product at it, before the first test asks for a device.
/// ESC_TEST_GPU=1 leaves the machine's own CUDA in place; ESC_CUDA_PATH set from outside is taken as it is.
/// </summary>
public sealed class EmulatedMachine
{
    private const int Kept = 4;

    private static readonly Lazy<string?> Prepared = new(PrepareOnce);

    public EmulatedMachine() => Prepare();

    /// <summary>Whether the tests are to use a real GPU.</summary>
    public static bool UsesGpu { get; } = Environment.GetEnvironmentVariable("ESC_TEST_GPU") == "1";

    /// <summary>Why there is no emulated machine here, or null.</summary>
    public static string? UnavailableReason => Prepared.Value;

    /// <summary>Where build products lie that outlive a run.</summary>
    public static string BuildFolder => Path.Combine(Repository.Root, "tests", "bin", "emulation");

    public static string Sources => Path.Combine(Repository.Root, "tests", "emulation");

    /// <summary>Builds what is out of date; cheap where nothing is.</summary>
    public static void Prepare() => _ = Prepared.Value;

    /// <summary>Runs build.sh in a folder of its own, one process at a time.</summary>
    /// <returns>What it said when it failed, or null.</returns>
    public static string? Build(string folder, params string[] options)
    {
        Directory.CreateDirectory(BuildFolder);
        using var only = LockFile(Path.Combine(BuildFolder, "lock"));
        return Run("bash", [Path.Combine(Sources, "build.sh"), folder, .. options]);
    }

    private static string? PrepareOnce()
    {
        if (UsesGpu || Environment.GetEnvironmentVariable("ESC_CUDA_PATH") is { Length: > 0 })
            return null;
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return "the emulated CUDA machine runs on x86-64 Linux only";
        foreach (var tool in new[] { "g++", "make" })
        {
            if (Run("bash", ["-c", $"command -v {tool}"]) is not null)
                return $"the emulated CUDA machine needs {tool}, which is not installed";
        }

        var folder = Path.Combine(BuildFolder, HashOfSources());
        if (!Directory.Exists(folder))
        {
            // Built in one place, so that only what changed is compiled, and used from another, which no later build touches.
            var workshop = Path.Combine(BuildFolder, "workshop");
            if (Build(workshop) is { } problem)
                throw new InvalidOperationException($"tests/emulation/build.sh failed:\n{problem}");
            Publish(workshop, folder);
        }

        Environment.SetEnvironmentVariable("ESC_CUDA_PATH", folder);
        return null;
    }

    private static void Publish(string workshop, string folder)
    {
        using var only = LockFile(Path.Combine(BuildFolder, "lock"));
        if (Directory.Exists(folder))
            return;
        foreach (var old in new DirectoryInfo(BuildFolder).GetDirectories().Where(d => d.Name.Length == 16).OrderByDescending(d => d.CreationTimeUtc).Skip(Kept - 1))
            old.Delete(recursive: true);
        var unfinished = folder + ".unfinished";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        Directory.CreateDirectory(unfinished);
        if (Run("bash", ["-c", $"cd '{workshop}' && cp -a lib* plain checked sources '{unfinished}'"]) is { } problem)
            throw new InvalidOperationException($"the emulated CUDA machine cannot be copied: {problem}");
        Directory.Move(unfinished, folder);
    }

    private static string HashOfSources()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var files = Directory.GetFiles(Path.Combine(Repository.Root, "tests/emulation"), "*", SearchOption.AllDirectories)
            .Concat(Directory.GetDirectories(Path.Combine(Repository.Root, "kernels")).SelectMany(folder => Directory.GetFiles(folder, "*.cu*")))
            .Where(file => !file.Contains("/selftest/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        foreach (var file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetRelativePath(Repository.Root, file) + "\n"));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private static FileStream LockFile(string path)
    {
        for (var waited = Stopwatch.StartNew(); ; Thread.Sleep(100))
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (waited.Elapsed < TimeSpan.FromMinutes(10))
            {
                // Another process builds.
            }
        }
    }

    private static string? Run(string command, string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : output + error.Result;
    }
}
