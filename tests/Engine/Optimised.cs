using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace EscNative.Tests.Engine;

/// <summary>Runs a test in a process whose methods are compiled once, with all optimisations.</summary>
/// <remarks>The code of a method's first calls keeps each variable until the method ends, which hides that nobody holds its value any
/// more; the code of later calls, and of the Native AOT compiler, does not.</remarks>
internal static class Optimised
{
    private const string Tiering = "DOTNET_TieredCompilation";

    public static bool IsMissingHere => Environment.GetEnvironmentVariable(Tiering) != "0";

    /// <summary>Runs a test, alone, in such a process; throws with its output where it fails.</summary>
    public static void RunHere([CallerFilePath] string file = "", [CallerMemberName] string test = "")
    {
        // The program that runs this one: elsewhere there may be none, or another.
        var host = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? Environment.ProcessPath!
            : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var name = $"*.{Path.GetFileNameWithoutExtension(file)}.{test}";
        var start = new ProcessStartInfo(host, ["exec", Path.Combine(AppContext.BaseDirectory, "EscNative.Tests.dll"), "-noColor", "-method", name])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Tiering] = "0" },
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("the process did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0", StringComparison.Ordinal), output + errors.Result);
    }
}
