using System.Xml.Linq;

namespace EscNative.Tests;

/// <summary>The layout of the repository: data flows one way, and nothing third-party reaches the libraries.</summary>
public sealed class LayeringTests
{
    private static readonly string[] Order = ["kernels", "engine", "models", "unlearning", "bench", "tests"];

    [Fact]
    public void A_project_references_only_what_stands_left_of_it()
    {
        for (var i = 0; i < Order.Length; i++)
        {
            foreach (var reference in Items(Order[i], "ProjectReference"))
            {
                var folder = reference.Split('/')[1];
                Assert.True(Array.IndexOf(Order, folder) < i, $"{Order[i]} references {folder}");
            }
        }
    }

    [Theory]
    [InlineData("kernels")]
    [InlineData("engine")]
    [InlineData("models")]
    [InlineData("unlearning")]
    public void A_library_has_no_package_at_run_time(string folder) => Assert.Empty(Items(folder, "PackageReference"));

    private static IEnumerable<string> Items(string folder, string name)
    {
        var project = Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single();
        return XDocument.Load(project).Descendants(name)
            .Where(e => name != "PackageReference" || (string?)e.Attribute("PrivateAssets") != "all")
            .Select(e => ((string)e.Attribute("Include")!).Replace('\\', '/'));
    }
}
