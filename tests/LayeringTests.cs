using System.Xml.Linq;
using EscNative.Tests.Layering;

namespace EscNative.Tests;

/// <summary>Data flows one way, between projects and between namespaces, and nothing third-party reaches the libraries.</summary>
public sealed class LayeringTests
{
    private static readonly string[] Order = ["kernels", "engine", "models", "unlearning", "bench", "tests"];
    private static readonly string[] Assemblies = ["EscNative.Kernels.dll", "EscNative.Engine.dll", "EscNative.Models.dll", "EscNative.Images.dll", "EscNative.Unlearning.dll", "escnative.dll"];

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

    [Fact]
    public void Only_the_tool_references_the_project_that_decodes_photos_and_that_one_only_what_it_decodes_for()
    {
        const string images = "models/Images";
        Assert.Equal(["EscNative.Engine.csproj", "EscNative.Kernels.csproj", "EscNative.Models.csproj"], Items(images, "ProjectReference").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.All(Items(images, "PackageReference"), package => Assert.StartsWith("SkiaSharp", package, StringComparison.Ordinal));
        Assert.Equal(["bench"], Order.Where(folder => Items(folder, "ProjectReference").Any(path => path.Contains(images, StringComparison.Ordinal))));
    }

    [Fact]
    public void No_namespace_is_in_a_circle_with_another()
    {
        var graph = Graph(Assemblies.SelectMany(name => AssemblyUses.Read(Path.Combine(AppContext.BaseDirectory, name))), "EscNative");
        Assert.InRange(graph.Names.Count, 20, 200);
        var circles = graph.Circles();
        Assert.True(circles.Count == 0, $"namespaces in a circle: a type belongs elsewhere, or a use is the wrong way round\n{Text(graph, circles)}");
    }

    [Fact]
    public void A_circle_is_found_whole_and_its_edges_are_named()
    {
        var graph = new NamespaceGraph();
        (string From, string To)[] edges = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("c", "e"), ("f", "g"), ("g", "f"), ("h", "h")];
        foreach (var (from, to) in edges)
        {
            graph.Add(from, to, $"{from}.Second uses {to}.Type");
            graph.Add(from, to, $"{from}.First uses {to}.Type");
        }

        var circles = graph.Circles();
        Assert.Equal((string[][])[["b", "c", "d"], ["f", "g"]], circles);
        Assert.Equal(
            [
                "b -> c: 2, such as b.First uses c.Type", "c -> d: 2, such as c.First uses d.Type", "d -> b: 2, such as d.First uses b.Type",
            ],
            graph.Describe(circles[0]));
    }

    [Fact]
    public void Every_way_to_name_a_type_is_read_from_an_assembly()
    {
        const string users = "EscNative.Tests.Layering.Example", used = "EscNative.Tests.Layering.Example.Used";
        var uses = AssemblyUses.Read(typeof(LayeringTests).Assembly.Location);
        (string User, string Used)[] expected =
        [
            ("ByBase", "Base"), ("ByInterface", "IContract"), ("ByConstraint`1", "Constraint"), ("ByAttribute", "ByAttributeMarkedAttribute"),
            ("ByAttributeValue", "Marked"), ("ByProperty", "Property"), ("ByArgument", "Argument"), ("ByCall", "Called"), ("ByGenericCall", "GenericArgument"),
            ("ByCatch", "CaughtException"), ("ByLambda", "Closed"), ("ByIterator", "Yielded"), ("ByPointer", "Pointed"),
        ];
        Assert.Equal(
            expected.Order(),
            uses.Where(use => use.User.Namespace == users && use.Used.Namespace == used).Select(use => (use.User.Name, use.Used.Name)).Order());
        var graph = Graph(uses, users);
        Assert.Contains($"{used} -> {users}: 1, such as {used}.Users uses {users}.ByCall", Text(graph, graph.Circles()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kernels")]
    [InlineData("engine")]
    [InlineData("models")]
    [InlineData("unlearning")]
    public void A_library_has_no_package_at_run_time(string folder) => Assert.Empty(Items(folder, "PackageReference"));

    [Fact]
    public void The_four_libraries_together_stay_below_2_MiB_without_the_embedded_images()
    {
        string[] libraries = ["Kernels", "Engine", "Models", "Unlearning"];
        var bytes = libraries.Sum(name => new FileInfo(Path.Combine(AppContext.BaseDirectory, $"EscNative.{name}.dll")).Length);
        var models = typeof(EscNative.Models.Classifier).Assembly;
        var images = models.GetManifestResourceNames().Sum(name => models.GetManifestResourceStream(name)!.Length);
        Assert.InRange(images, 500_000, 1_000_000);
        Assert.InRange(bytes - images, 100_000, 2 << 20);
    }

    [Theory]
    [InlineData("kernels", "")]
    [InlineData("engine", "true")]
    [InlineData("models", "true")]
    [InlineData("models/Images", "true")]
    [InlineData("unlearning", "true")]
    [InlineData("bench", "true")]
    public void A_package_is_made_of_the_projects_that_users_take(string folder, string packable)
    {
        // The kernels travel inside the engine's package.
        var project = Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single();
        Assert.Equal(packable, string.Concat(XDocument.Load(project).Descendants("IsPackable").Select(e => e.Value)));
    }

    // The namespaces below a root; what has none is the compiler's own.
    private static NamespaceGraph Graph(IEnumerable<TypeUse> uses, string root)
    {
        var graph = new NamespaceGraph();
        foreach (var (user, used) in uses.Where(use => IsBelow(use.User, root) && IsBelow(use.Used, root)))
            graph.Add(user.Namespace, used.Namespace, $"{user} uses {used}");
        return graph;
    }

    private static bool IsBelow(TypeName type, string root) => $"{type.Namespace}.".StartsWith($"{root}.", StringComparison.Ordinal);

    private static string Text(NamespaceGraph graph, IEnumerable<IReadOnlyList<string>> circles) =>
        string.Join("\n\n", circles.Select(circle => string.Join('\n', graph.Describe(circle))));

    private static IEnumerable<string> Items(string folder, string name)
    {
        var project = Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single();
        return XDocument.Load(project).Descendants(name)
            .Where(e => name != "PackageReference" || (string?)e.Attribute("PrivateAssets") != "all")
            .Select(e => ((string)e.Attribute("Include")!).Replace('\\', '/'));
    }
}
