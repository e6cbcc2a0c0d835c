using System.Text.RegularExpressions;

namespace EscNative.Tests;

/// <summary>No source has the shape that the Native AOT compiler turns into an endless loop: a switch whose arms compare types.</summary>
/// <remarks>
/// ILCompiler 10 folds <c>typeof(T) == typeof(float)</c> to a constant in the arms of a switch, and the jumps between them then go in
/// circles; seen with <c>d switch { A => typeof(T) == typeof(float), B => typeof(T) == typeof(double), ... }</c>. One if after
/// another does not have it. tests/aot runs what it makes of the libraries.
/// </remarks>
public sealed partial class AotShapeTests
{
    [Fact]
    public void No_switch_compares_types()
    {
        string[] folders = ["kernels", "engine", "models", "unlearning", "bench"];
        var files = folders.SelectMany(folder => Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !BuildOutput().IsMatch(file)).ToArray();
        Assert.True(files.Length > 300, $"found {files.Length} sources");
        var found = files.SelectMany(file => Lines(File.ReadAllText(file)).Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line}"));
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("var fits = type switch\n{\n  DType.F32 => typeof(T) == typeof(float),\n  _ => false,\n};", 1)]
    [InlineData("return typeof(T) switch { var t when t == typeof(float) => 1, _ => 2 };", 1)]
    [InlineData("switch (d)\n{\n  case A when typeof(T) != typeof(float):\n    return 1;\n}", 1)]
    [InlineData("switch (d) { case A: { if (typeof (T)== typeof(float)) return 1; break; } }", 1)]
    [InlineData("a = d switch { A => b switch { _ => typeof(T) == typeof(int) }, _ => false };", 2)]
    [InlineData("a = typeof(T) == typeof(float) ? x switch { A => 1, _ => 2 } : 3;", 0)]
    [InlineData("a = d switch { A => typeof(T).Name, _ => Name(typeof(int)) };", 0)]
    [InlineData("// a switch { A => typeof(T) == typeof(int) }\nb = \"switch { typeof(T) == typeof(int) }\";", 0)]
    [InlineData("a = d switch { A => \"}\", B => '}', _ => typeof(T) == typeof(int) };", 1)]
    public void The_shape_is_found_where_it_is_and_only_there(string source, int count) => Assert.Equal(count, Lines(source).Count());

    // The lines of the switches with such an arm, those around others among them.
    private static IEnumerable<int> Lines(string source)
    {
        // What stands in comments and literals becomes blank; the lines stay.
        var code = CommentOrLiteral().Replace(source, match => new string([.. match.Value.Select(c => c == '\n' ? c : ' ')]));
        foreach (Match found in Switch().Matches(code))
        {
            var (depth, at) = (0, code.IndexOf('{', found.Index));
            if (at < 0)
                continue;
            var end = at;
            do
                depth += code[end] switch { '{' => 1, '}' => -1, _ => 0 };
            while (++end < code.Length && depth > 0);
            if (ComparedType().IsMatch(code[at..end]))
                yield return code.AsSpan(0, found.Index).Count('\n') + 1;
        }
    }

    [GeneratedRegex(@"[/\\](bin|obj)[/\\]")]
    private static partial Regex BuildOutput();

    [GeneratedRegex("//[^\\n]*|/\\*.*?\\*/|\"\"\".*?\"\"\"|@\"(?:[^\"]|\"\")*\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])+'", RegexOptions.Singleline)]
    private static partial Regex CommentOrLiteral();

    [GeneratedRegex(@"\bswitch\b")]
    private static partial Regex Switch();

    [GeneratedRegex(@"typeof\s*\([^()]*(\([^()]*\))?[^()]*\)\s*[!=]=|[!=]=\s*typeof\s*\(")]
    private static partial Regex ComparedType();
}
