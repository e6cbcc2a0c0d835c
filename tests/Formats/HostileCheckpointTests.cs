using System.Diagnostics;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Formats;

/// <summary>Checkpoints that are damaged, or made to do harm: each is refused with words, at once and within little memory.</summary>
public sealed class HostileCheckpointTests
{
    private const int Least = 150;
    private const long MostBytes = 100_000_000;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(1);

    [Fact]
    public void Every_one_is_refused_within_a_second_and_100_MB()
    {
        using var model = Small();
        var hostile = new HostileCheckpoints(ModelFile.ToArrays(model));
        // What they are made of is good: each is refused for what was done to it.
        foreach (var bytes in (byte[][])[hostile.Good().Zip(), hostile.Good().Legacy()])
        {
            using var loaded = Load(bytes);
            Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(loaded));
        }

        var files = hostile.All();
        Assert.Equal(files.Count, files.DistinctBy(f => f.Name).Count());
        var (slowest, largest) = (TimeSpan.Zero, 0L);
        foreach (var file in files)
        {
            var (failure, elapsed, allocated) = Measured(file);
            // On a machine that does other things too, a second may pass without any work.
            for (var again = 0; again < 3 && elapsed >= MostTime; again++)
                (failure, elapsed, allocated) = Measured(file);
            Assert.True(failure.Message.Contains(file.Says, StringComparison.Ordinal), $"{file.Name}: wants '{file.Says}' in: {failure.Message}");
            Assert.True(failure.Message.Length < 1500, $"{file.Name}: a message of {failure.Message.Length} characters");
            Assert.DoesNotContain(failure.Message, c => char.IsControl(c));
            Assert.True(elapsed < MostTime, $"{file.Name}: took {elapsed}");
            Assert.True(allocated < MostBytes, $"{file.Name}: allocated {allocated} bytes");
            (slowest, largest) = (elapsed > slowest ? elapsed : slowest, Math.Max(allocated, largest));
        }

        Assert.True(files.Count >= Least, $"{files.Count} files");
        Assert.False(File.Exists("/tmp/pwned"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{files.Count} files, at most {slowest.TotalMilliseconds:F0} ms and {largest / 1e6:F1} MB");
    }

    private static (DataFormatException Failure, TimeSpan Elapsed, long Allocated) Measured(HostileFile file)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var time = Stopwatch.StartNew();
        var failure = Assert.Throws<DataFormatException>(() => Load(file.Bytes).Dispose());
        return (failure, time.Elapsed, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static Classifier Load(byte[] bytes)
    {
        using var file = ArrayFile.Open(new MemoryStream(bytes), "a.pth");
        return ModelFile.Load(file, options: new ModelLoadOptions { Remarks = new List<string>() });
    }

    [Fact]
    public void A_file_that_is_cut_anywhere_is_refused()
    {
        // PyTorch's own archives, with wide end records and headers without sizes.
        foreach (var name in (string[])["state.pth", "state_legacy.pth"])
        {
            var bytes = File.ReadAllBytes(PyTorchFileTests.Data(name));
            for (var length = 0; length < bytes.Length; length += length < 600 ? 1 : 37)
            {
                Assert.Throws<DataFormatException>(() => ReadAll(bytes[..length]));
            }
        }

        static void ReadAll(byte[] bytes)
        {
            using var file = ArrayFile.Open(new MemoryStream(bytes), "a.pth");
            foreach (var entry in file.Entries)
                _ = file.Read(entry.Name);
        }
    }

    internal static Classifier Small() => Architectures.Create(
        new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.03), Channels = 3, ClassNames = ["0", "1", "2"], Normalisation = Normalisation.Half }, 3);
}
