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

    [Fact]
    public void The_four_libraries_together_stay_below_2_MB_without_the_embedded_images()
    {
        string[] libraries = ["Kernels", "Engine", "Models", "Unlearning"];
        var bytes = libraries.Sum(name => new FileInfo(Path.Combine(AppContext.BaseDirectory, $"EscNative.{name}.dll")).Length);
        var models = typeof(EscNative.Models.Classifier).Assembly;
        var images = models.GetManifestResourceNames().Sum(name => models.GetManifestResourceStream(name)!.Length);
        Assert.InRange(images, 500_000, 1_000_000);
        Assert.InRange(bytes - images, 100_000, 2_000_000);
    }

    [Theory]
    [InlineData("kernels", "")]
    [InlineData("engine", "true")]
    [InlineData("models", "true")]
    [InlineData("unlearning", "true")]
    [InlineData("bench", "true")]
    public void A_package_is_made_of_the_projects_that_users_take(string folder, string packable)
    {
        // The kernels travel inside the engine's package.
        var project = Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single();
        Assert.Equal(packable, string.Concat(XDocument.Load(project).Descendants("IsPackable").Select(e => e.Value)));
    }

    private static IEnumerable<string> Items(string folder, string name)
    {
        var project = Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single();
        return XDocument.Load(project).Descendants(name)
            .Where(e => name != "PackageReference" || (string?)e.Attribute("PrivateAssets") != "all")
            .Select(e => ((string)e.Attribute("Include")!).Replace('\\', '/'));
    }
}
