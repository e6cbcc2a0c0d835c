using System.Globalization;
using System.Text;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Docs;

/// <summary>docs/methods.md lists every method with its parameters as the code has them; with <c>ESC_RECORD=1</c> it is written anew.</summary>
public sealed class MethodsPageTests
{
    private const string Begin = "<!-- the table is made from the code -->";
    private const string End = "<!-- end of the table -->";

    [Fact]
    public void The_page_is_what_the_code_says()
    {
        var path = Path.Combine(Repository.Root, "docs", "methods.md");
        var text = File.ReadAllText(path).ReplaceLineEndings("\n");
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, "the marks of the table are gone");
        var table = text[(begin + Begin.Length)..end].Trim();
        if (Environment.GetEnvironmentVariable("ESC_RECORD") == "1")
            File.WriteAllText(path, $"{text[..(begin + Begin.Length)]}\n\n{Table()}\n\n{text[end..]}");
        else
            Assert.True(Table() == table, $"docs/methods.md is not what the code says: run this test with ESC_RECORD=1\n{Table()}");
    }

    private static string Table()
    {
        var table = new StringBuilder("| method | sees | what it does | parameters and their defaults |\n|---|---|---|---|\n");
        foreach (var method in MethodRegistry.Names.Select(MethodRegistry.Create))
        {
            var parameters = string.Join("; ", method.Parameters.Select(p => $"`{p.Name}` {p.Default.ToString(CultureInfo.InvariantCulture)}"));
            table.Append(CultureInfo.InvariantCulture, $"| `{method.Name}` | {(method.DataUse == DataUse.ForgetOnly ? "D_f" : "D_f, D_r")} | {method.Description} | {(parameters.Length > 0 ? parameters : "-")} |\n");
        }

        return table.ToString().TrimEnd();
    }
}
