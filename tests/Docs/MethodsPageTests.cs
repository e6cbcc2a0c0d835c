using System.Globalization;
using System.Text;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Docs;

/// <summary>docs/methods.md lists every method with its parameters as the code has them.</summary>
public sealed class MethodsPageTests
{
    private const string Begin = "<!-- the table is made from the code -->";
    private const string End = "<!-- end of the table -->";

    [Fact]
    public void The_page_is_what_the_code_says()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "methods.md")).ReplaceLineEndings("\n");
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, "the marks of the table are gone");
        var table = text[(begin + Begin.Length)..end].Trim();
        // Where it differs, the message holds what belongs there.
        Assert.Equal(Table(), table);
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
