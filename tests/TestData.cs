using System.Diagnostics;
using EscNative.Kernels;

namespace EscNative.Tests;

/// <summary>
/// Real data and oracles, which are not part of the repository: the folder that <c>ESC_TEST_DATA</c> names, else
/// <c>../shared/data</c> beside the repository. A test that needs what is not there is skipped with the reason.
/// </summary>
/// <remarks>
/// The .tar.xz archives are unpacked once, into <c>ESC_TEST_CACHE</c> or the user's cache folder. An archive that was already
/// unpacked in the data folder is used where it lies.
/// </remarks>
internal static class TestData
{
    private static readonly Lazy<Found> Cifar10 = new(() => Unpack("cifar-10-batches-bin.tar.xz", "cifar-10-batches-bin"));
    private static readonly Lazy<Found> Cifar100 = new(() => Unpack("cifar-100-test5k-train5k.tar.xz", "cifar-100-binary"));
    private static readonly Lazy<Found> Faces = new(() => Unpack("faces-orl.tar.xz", "faces-orl"));

    /// <summary>The complete CIFAR-10 in the official binary layout.</summary>
    public static string Cifar10Folder => Cifar10.Value.OrSkip();

    /// <summary>CIFAR-100 in the official record layout: 5,000 training and 5,000 test images.</summary>
    public static string Cifar100Folder => Cifar100.Value.OrSkip();

    /// <summary>The ORL faces: 40 folders of 10 PGM files.</summary>
    public static string FacesFolder => Faces.Value.OrSkip();

    /// <summary>A file of <c>oracle/</c>: what PyTorch computed.</summary>
    public static string Oracle(string name) => Locate("oracle", name).OrSkip();

    /// <summary>A file of <c>weights/</c>: checkpoints trained by others.</summary>
    public static string Weights(string name) => Locate("weights", name).OrSkip();

    /// <summary>A file of <c>embedded/</c>: small public sets.</summary>
    public static string Small(string name) => Locate("embedded", name).OrSkip();

    private static Found Root()
    {
        var named = Environment.GetEnvironmentVariable("ESC_TEST_DATA");
        var folder = string.IsNullOrEmpty(named) ? Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "data")) : named;
        return Directory.Exists(folder)
            ? new Found(folder, "")
            : new Found(null, $"no real data: {folder} does not exist (set ESC_TEST_DATA to the data folder)");
    }

    private static Found Locate(string folder, string name)
    {
        var root = Root();
        if (root.Path is null)
            return root;
        var path = Path.Combine(root.Path, folder, name);
        return File.Exists(path) ? new Found(path, "") : new Found(null, $"no real data: {path} does not exist");
    }

    private static Found Unpack(string archive, string folder)
    {
        var root = Root();
        if (root.Path is null)
            return root;
        var beside = Path.Combine(root.Path, folder);
        if (Directory.Exists(beside))
            return new Found(beside, "");
        var source = new FileInfo(Path.Combine(root.Path, archive));
        if (!source.Exists)
            return new Found(null, $"no real data: {source.FullName} does not exist");

        // The size is in the name: a new archive is never confused with an old cache.
        var found = Environment.GetEnvironmentVariable("ESC_TEST_CACHE") is { Length: > 0 } named ? UserCache.In(named) : UserCache.Of("tests");
        if (found.Folder is not { } cache)
            return new Found(null, $"no folder to unpack {source.Name} into: {found.Problem}; set ESC_TEST_CACHE");
        var target = Path.Combine(cache, $"{folder}-{source.Length}");
        using (Lock(target + ".lock"))
        {
            if (!Directory.Exists(target))
            {
                var partial = Directory.CreateDirectory($"{target}.{Guid.NewGuid():N}.partial").FullName;
                try
                {
                    Tar(source.FullName, partial);
                    Directory.Move(partial, target);
                }
                catch (Exception failure) when (failure is IOException or System.ComponentModel.Win32Exception)
                {
                    Directory.Delete(partial, recursive: true);
                    return new Found(null, $"cannot unpack {source.FullName} into {cache}: {failure.Message}");
                }
            }
        }

        return new Found(Path.Combine(target, folder), "");
    }

    // Several test processes may start at once: one unpacks, the others wait for it.
    private static FileStream Lock(string path)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (patience.Elapsed < TimeSpan.FromMinutes(5))
            {
                Thread.Sleep(100);
            }
        }
    }

    private static void Tar(string archive, string folder)
    {
        var start = new ProcessStartInfo("tar", ["-xf", archive, "-C", folder]) { RedirectStandardError = true };
        using var tar = Process.Start(start) ?? throw new IOException("tar did not start");
        var complaint = tar.StandardError.ReadToEnd();
        tar.WaitForExit();
        if (tar.ExitCode != 0)
            throw new IOException($"tar ended with {tar.ExitCode}: {complaint.Trim()}");
    }

    private sealed record Found(string? Path, string Reason)
    {
        public string OrSkip()
        {
            if (Path is null)
            {
                // Where a CI machine has the data, a part of it that is missing or does not unpack is a fault, not a reason.
                Assert.False(Root().Path is not null && Environment.GetEnvironmentVariable("CI") == "true", Reason);
                Assert.Skip(Reason);
            }

            return Path;
        }
    }
}
