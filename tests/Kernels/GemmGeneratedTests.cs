namespace EscNative.Tests.Kernels;

public sealed class GemmGeneratedTests
{
    [Fact]
    public void The_committed_kernels_are_what_the_generator_writes()
    {
        var folder = Path.Combine(Repository.Root, "kernels", "Cpu", "Generated");
        var files = MicroKernelGenerator.Files().ToDictionary();
        Assert.Equal(
            files.Keys.Order(StringComparer.Ordinal),
            Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        foreach (var (name, text) in files)
        {
            var committed = File.ReadAllText(Path.Combine(folder, name)).ReplaceLineEndings("\n");
            Assert.True(committed == text, $"{name} differs: run 'dotnet run kernels/generator/Generate.cs'");
        }
    }
}
