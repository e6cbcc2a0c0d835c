using System.Text.RegularExpressions;

namespace EscNative.Tests.Docs;

/// <summary>What README.md promises is what the code does.</summary>
public sealed partial class ReadmeTests
{
    private const string Command = "dotnet run -c Release --project bench -- ";

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

    [Fact]
    public void Every_command_names_a_verb_and_options_that_it_has()
    {
        var verbs = EscNative.Bench.Application.Verbs(new EscNative.Bench.Cli.OptionSet());
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "README.md")).Where(line => line.StartsWith(Command, StringComparison.Ordinal)).ToArray();
        Assert.True(lines.Length >= 15);
        foreach (var line in lines)
        {
            var words = line[Command.Length..].Split(' ');
            var verb = Assert.Single(verbs, v => v.Name == words[0]);
            Assert.All(words.Where(word => word.StartsWith("--", StringComparison.Ordinal)), word => Assert.Contains(verb.Options, option => option.Name == word));
            // Its text must be in the name of a suite of benchmarks.
            if (words is ["micro", "--filter", var filter])
                Assert.Contains(filter, nameof(EscNative.Bench.Micro.OperationBenchmarks), StringComparison.OrdinalIgnoreCase);
            // A model of CIFAR's classes is not measured with the embedded images.
            if (words.Contains("model.safetensors"))
                Assert.Contains("--data", words);
        }
    }

    private static string Normal(string block) => string.Join('\n', block.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"// snippet: \w+\n(.*?)// end", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\((?!https?:|#)([^)#]+)")]
    private static partial Regex Link();
}
