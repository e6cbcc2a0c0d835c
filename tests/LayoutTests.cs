using System.Xml.Linq;

namespace EscNative.Tests;

/// <summary>Files and folders that one can take in at a glance, and a page for every public member.</summary>
public sealed class LayoutTests
{
    private const int MostLines = 400;
    private const int MostFiles = 25;
    private const string Generated = "Generated";

    private static readonly string[] Code = [".cs", ".cu", ".cuh", ".cpp", ".h", ".sh", ".py", ".cjs"];

    // What builds and tools leave; names that start with a dot are theirs too, .ci apart.
    private static readonly string[] Left = ["bin", "obj", "artifacts", "TestResults", "tools", "shared", "BenchmarkDotNet.Artifacts"];

    [Fact]
    public void No_file_is_longer_than_400_lines_unless_it_is_generated()
    {
        var files = Folders(Repository.Root).SelectMany(Directory.GetFiles).Where(file => Code.Contains(Path.GetExtension(file))).ToArray();
        Assert.InRange(files.Length, 500, 5000);
        var tooLong = files.Where(file => !IsGenerated(Path.GetDirectoryName(file)!))
            .Select(file => (Name: Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > MostLines);
        Assert.Empty(tooLong.Select(file => $"{file.Name}: {file.Lines} lines"));
    }

    [Fact]
    public void No_folder_has_more_than_25_files_unless_they_are_generated_or_tests()
    {
        var tests = Path.Combine(Repository.Root, "tests");
        var tooFull = Folders(Repository.Root)
            .Where(folder => !IsGenerated(folder) && folder != tests && !folder.StartsWith(tests + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .Select(folder => (Name: Relative(folder), Files: Directory.GetFiles(folder).Length))
            .Where(folder => folder.Files > MostFiles);
        Assert.Empty(tooFull.Select(folder => $"{folder.Name}: {folder.Files} files"));
    }

    [Theory]
    [InlineData("kernels")]
    [InlineData("engine")]
    [InlineData("models")]
    [InlineData("models/Images")]
    [InlineData("unlearning")]
    public void A_public_member_of_a_library_without_documentation_does_not_compile(string folder)
    {
        // EscLibrary takes CS1591 out of the warnings that are off (Directory.Build.targets), and warnings are errors.
        var project = Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single();
        Assert.Equal("true", XDocument.Load(project).Descendants("EscLibrary").Single().Value);
        Assert.DoesNotContain(XDocument.Load(project).Descendants(), e => e.Name.LocalName is "NoWarn" or "WarningsNotAsErrors" or "TreatWarningsAsErrors");
        foreach (var file in Folders(Path.Combine(Repository.Root, folder)).SelectMany(each => Directory.GetFiles(each, "*.cs")))
            Assert.DoesNotContain(File.ReadLines(file), line => line.Contains("CS1591", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Folders(string root) => Directory.GetDirectories(root)
        .Where(folder => Path.GetFileName(folder) is var name && !Left.Contains(name) && (!name.StartsWith('.') || name == ".ci"))
        .SelectMany(Folders)
        .Prepend(root);

    private static bool IsGenerated(string folder) => Path.GetFileName(folder) == Generated;

    private static string Relative(string path) => Path.GetRelativePath(Repository.Root, path);
}
