using System.Reflection;

namespace EscNative.Bench.Measuring;

/// <summary>Which build this is.</summary>
internal static class BuildInfo
{
    private static readonly string[] Informational =
        (typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+', 2);

    /// <summary>The version, such as 0.1.0.</summary>
    public static string Version => Informational[0];

    /// <summary>The commit it was built from, or null where the build did not know.</summary>
    public static string? Commit => Informational.Length == 2 ? Informational[1] : null;

    /// <summary>Version and commit in one line.</summary>
    public static string Line => Commit is null ? $"escnative {Version} (commit unknown)" : $"escnative {Version} (commit {Commit})";
}
