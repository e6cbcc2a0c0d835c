namespace EscNative.Tests;

/// <summary>Where the checkout lies that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "EscNative.sln")))
                return folder;
        }

        throw new InvalidOperationException($"no EscNative.sln above {AppContext.BaseDirectory}");
    }
}
