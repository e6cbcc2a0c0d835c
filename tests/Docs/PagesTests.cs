using System.Text.RegularExpressions;

namespace EscNative.Tests.Docs;

/// <summary>What the pages name is there: files, links, types and members. A name that changes in the code changes in the pages; what only tests have is named by its file.</summary>
public sealed partial class PagesTests
{
    private static readonly string[] Folders = ["kernels", "engine", "models", "unlearning", "bench", "tests", "docs"];

    private static readonly string[] Endings = [".cs", ".cu", ".cuh", ".cpp", ".h", ".sh", ".py", ".cjs", ".csproj"];

    private static readonly Lazy<string[]> Files = new(() =>
        [.. Folders.SelectMany(folder => FilesOf(Path.Combine(Repository.Root, folder))).Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'))]);

    private static readonly Lazy<HashSet<string>> Words = new(() =>
        [.. Files.Value.Where(file => file.EndsWith(".cs", StringComparison.Ordinal) && !file.StartsWith("tests/", StringComparison.Ordinal)).SelectMany(file => Word().Matches(Read(file)).Select(m => m.Value))]);

    public static TheoryData<string> Pages =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Repository.Root, file)), "README.md", "CONTRIBUTING.md"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_file_that_a_page_names_or_links_to_is_there(string page)
    {
        var text = Read(page);
        var missing = Quoted(text).Where(name => !IsThere(name)).Select(name => $"`{name}`");
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        var broken = Link().Matches(text).Select(m => m.Groups[1].Value).Where(link => !Path.Exists(Path.Combine(folder, link))).Select(link => $"({link})");
        Assert.Empty(missing.Concat(broken));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_type_or_member_that_a_page_names_is_in_the_code(string page) =>
        Assert.All(Quoted(Read(page)).Where(name => Identifier().IsMatch(name)), name => Assert.True(Word().Matches(name).All(word => Words.Value.Contains(word.Value)), name));

    [Fact]
    public void A_name_that_is_not_there_is_found()
    {
        Assert.True(IsThere("kernels/Conv/conv_forward.cu") && IsThere("kernels/*/*.cu") && IsThere("tests/emulation") && IsThere("prelude.cuh"));
        Assert.False(IsThere("kernels/Conv/conv_sideways.cu") || IsThere("kernels/*/*.zz") || IsThere("engine/Nothing") || IsThere("prelude2.cuh"));
        Assert.Equal(["a/b.cs", "Tensor.Scope()"], Quoted("see `a/b.cs`, `two words` and `Tensor.Scope()`\n```\n`code`\n```\n"));
        Assert.Contains("ErasureOperator", Words.Value);
        Assert.DoesNotContain("ErasureOperators", Words.Value);
    }

    // Whatever does not look like a file of this repository is taken to be there: a user's file, an option, a type.
    private static bool IsThere(string name)
    {
        if (name.Contains('<', StringComparison.Ordinal))
            return true;
        var path = name.TrimEnd('/');
        if (Folders.Contains(path.Split('/')[0]) && path.Contains('/', StringComparison.Ordinal))
        {
            var pattern = new Regex($"^{Regex.Escape(path).Replace("\\*", "[^/]*", StringComparison.Ordinal)}(/.*)?$");
            return Files.Value.Any(file => pattern.IsMatch(file));
        }

        return path.Contains('/', StringComparison.Ordinal) || path.Contains('*', StringComparison.Ordinal) || !Endings.Contains(Path.GetExtension(path))
            || Endings.Contains(path) || Files.Value.Any(file => file.EndsWith($"/{path}", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Quoted(string text) =>
        Quote().Matches(Block().Replace(text, "")).Select(m => m.Groups[1].Value).Distinct();

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    private static IEnumerable<string> FilesOf(string folder) => Path.GetFileName(folder) is "bin" or "obj"
        ? []
        : Directory.GetDirectories(folder).SelectMany(FilesOf).Concat(Directory.GetFiles(folder));

    [GeneratedRegex(@"`([^`\s]+)`")]
    private static partial Regex Quote();

    [GeneratedRegex(@"```.*?```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\((?!https?:|#)([^)#]+)")]
    private static partial Regex Link();

    // Type, Type.Member, Member(): not an option, a file, a field of a result, or a variable of the environment.
    [GeneratedRegex(@"^[A-Z][a-z]\w+(\.[A-Z]\w*)*(\(\))?$")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
