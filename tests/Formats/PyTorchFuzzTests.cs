using System.IO.Compression;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Tests.Formats;

/// <summary>Checkpoints damaged at random: the reader may refuse them, and do nothing else.</summary>
public sealed class PyTorchFuzzTests
{
    [Theory]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    [InlineData("state.pth")]
    [InlineData("module_legacy.pth")]
    [InlineData("views_legacy.pth")]
    public void Damaged_files_are_refused_in_order(string name)
    {
        var valid = File.ReadAllBytes(PyTorchFileTests.Data(name));
        FuzzRun.Run($"pytorch {name}", valid, valid.Length, ReadAll);
    }

    [Theory]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    [InlineData(false)]
    [InlineData(true)]
    public void Damaged_pickles_in_sound_files_are_refused_in_order(bool legacy)
    {
        using var model = HostileCheckpointTests.Small();
        var maker = new CheckpointMaker(ModelFile.ToArrays(model));
        var good = maker.Pickle();
        FuzzRun.Run(
            $"pickle legacy={legacy}",
            legacy ? maker.Legacy() : maker.Zip(),
            (mutator, bytes) => legacy ? mutator.Mutate(bytes, bytes.Length / 2) : maker.Zip(mutator.Mutate(good, good.Length), CompressionLevel.NoCompression),
            bytes =>
            {
                using var file = ArrayFile.Open(new MemoryStream(bytes), "a.pth");
                ModelFile.Load(file).Dispose();
            });
    }

    [Fact]
    public void Every_test_that_damages_files_runs_in_the_long_job_too()
    {
        var tests = Directory.GetFiles(Path.Combine(Repository.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(File.ReadAllText)
            .Where(text => text.Contains("FuzzRun.Run(", StringComparison.Ordinal) || text.Contains("SafetensorsDamage.Run(", StringComparison.Ordinal))
            .ToArray();
        Assert.True(tests.Length >= 10);
        // The class that damages content calls the runner itself, and is no test.
        Assert.All(tests, text => Assert.True(text.Contains("[Trait(FuzzRun.Kind, FuzzRun.Name)]", StringComparison.Ordinal) || !text.Contains("[Fact]", StringComparison.Ordinal)));
        var cake = File.ReadAllText(Path.Combine(Repository.Root, "build.cake"));
        Assert.Contains($"Filter = \"{FuzzRun.Kind}={FuzzRun.Name}\"", cake, StringComparison.Ordinal);
        // Without it a filter that no test passes is a success.
        Assert.Equal(cake.Split("DotNetTest(").Length, cake.Split("ArgumentCustomization = SomeTests").Length);
        Assert.Contains("TreatNoTestsAsError=true", cake, StringComparison.Ordinal);
    }

    private static void ReadAll(byte[] bytes)
    {
        using var file = ArrayFile.Open(new MemoryStream(bytes), "a.pth");
        foreach (var entry in file.Entries.Where(e => e.Type is not null))
            _ = file.Read(entry.Name);
    }
}
