using System.Text.RegularExpressions;

namespace EscNative.Tests.Docs;

/// <summary>What README.md promises is what the code does.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void Every_code_block_is_a_snippet_that_is_compiled_and_run()
    {
        var source = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Docs", "ReadmeSnippets.cs"));
        var snippets = Snippet().Matches(source).Select(m => Normal(m.Groups[1].Value)).ToArray();
        var blocks = Block().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Select(m => Normal(m.Groups[1].Value)).ToArray();
        Assert.NotEmpty(blocks);
        Assert.Equal(snippets, blocks);
    }

    [Fact]
    public void Every_file_that_it_links_to_is_there()
    {
        foreach (Match link in Link().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))))
            Assert.True(Path.Exists(Path.Combine(Repository.Root, link.Groups[1].Value)), link.Groups[1].Value);
    }

    private static string Normal(string block) => string.Join('\n', block.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"// snippet: \w+\n(.*?)// end", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\((?!https?:|#)([^)#]+)")]
    private static partial Regex Link();
}
