using System.Text.RegularExpressions;
using System.Xml.Linq;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

public sealed partial class HtmlReportTests
{
    [Theory]
    [InlineData("<img src=x onerror=alert(1)>")]
    [InlineData("</title><script>alert(1)</script>")]
    [InlineData("\" onmouseover=\"alert(1)")]
    [InlineData("\u001b]0;title\u0007\u001b[31mred")]
    [InlineData("a\u202Egnp.exe")]
    public void A_hostile_class_name_stays_text(string name)
    {
        var html = HtmlReport.Render(SampleResult.Create(name));
        Assert.DoesNotContain(name, html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\u001b', html);
        Assert.DoesNotContain('\u202E', html);
        Assert.Equal(Elements(HtmlReport.Render(SampleResult.Create())), Elements(html));
    }

    [Fact]
    public void The_file_is_whole_needs_no_network_and_is_small()
    {
        var html = HtmlReport.Render(SampleResult.Create());
        Assert.True(html.Length < 150_000, $"{html.Length} characters");
        Assert.DoesNotMatch(Outside(), html);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", html, StringComparison.Ordinal);
        Assert.Contains("@media print", html, StringComparison.Ordinal);
        // Well-formed but for the void elements of HTML.
        var body = html[html.IndexOf("<body>", StringComparison.Ordinal)..].Replace("</html>", "", StringComparison.Ordinal);
        var root = XElement.Parse(body.Trim());
        Assert.NotEmpty(root.Descendants("svg"));
        Assert.Contains(root.Descendants("td"), cell => cell.Value == "97.50");
    }

    private static string[] Elements(string html) => [.. Tag().Matches(html).Select(m => m.Value)];

    [GeneratedRegex("</?[a-zA-Z0-9]+")]
    private static partial Regex Tag();

    [GeneratedRegex("(src|href)\\s*=|url\\(|@import|https?://", RegexOptions.IgnoreCase)]
    private static partial Regex Outside();
}
