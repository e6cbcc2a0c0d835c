using System.Globalization;

namespace EscNative.Tests.Photos;

/// <summary>Images with the pixels that Pillow gave (tests/Data/record_pillow.py): those of the repository, or of the folder in ESC_TEST_PILLOW.</summary>
internal static class PillowFiles
{
    public static string Folder { get; } = Environment.GetEnvironmentVariable("ESC_TEST_PILLOW") is { Length: > 0 } named
        ? named
        : Path.Combine(Repository.Root, "tests", "Data", "pillow");

    /// <summary>What was recorded of an image.</summary>
    public readonly record struct Recorded(string Name, int Height, int Width, int Tolerance, string Sha256);

    public static IEnumerable<Recorded> Decoded() => File.ReadLines(Path.Combine(Folder, "decoded.txt")).Select(line => line.Split(' '))
        .Select(part => new Recorded(part[0], Number(part[1]), Number(part[2]), Number(part[3]), part[4]));

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Folder, name));

    public static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
