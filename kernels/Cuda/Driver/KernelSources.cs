using System.Text;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>The CUDA C++ sources, which travel inside the assembly.</summary>
internal static class KernelSources
{
    /// <summary>What the sources may include: the prelude, and the tiles of matrix products, and of convolutions, and how their pixels end.</summary>
    public static readonly string[] Headers = ["prelude.cuh", "tile.cuh", "window.cuh", "epilogue.cuh"];

    private const string Folder = "cuda/";
    private const string Ending = ".cu";

    /// <summary>The families: the names of the sources without their ending, in alphabetical order.</summary>
    public static IReadOnlyList<string> Families { get; } =
    [
        .. typeof(KernelSources).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal) && name.EndsWith(Ending, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^Ending.Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The text of a file such as <c>elementwise.cu</c>.</summary>
    /// <exception cref="DeviceException">There is none of that name.</exception>
    public static string Read(string file)
    {
        using var stream = typeof(KernelSources).Assembly.GetManifestResourceStream(Folder + file)
            ?? throw new DeviceException($"kernels: there is no source {file}; there are {string.Join(", ", Families)}");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>The text of a family.</summary>
    public static string OfFamily(string family) => Read(family + Ending);
}
