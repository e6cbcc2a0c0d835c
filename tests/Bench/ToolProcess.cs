using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EscNative.Tests.Bench;

/// <summary>The built <c>escnative</c>, started as a user starts it.</summary>
internal static partial class ToolProcess
{
    private const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Runs it to its end.</summary>
    public static Outcome Run(params string[] arguments) => Run(null, arguments);

    /// <summary>Runs it to its end with some environment variables.</summary>
    public static Outcome Run(IReadOnlyDictionary<string, string>? environment, params string[] arguments) => RunIn(null, environment, arguments);

    /// <summary>Runs it to its end in a working folder.</summary>
    public static Outcome RunIn(string? folder, IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        using var process = Start(folder, environment, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"escnative {string.Join(' ', arguments)} did not end within {Patience}");
        }

        return new Outcome(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Runs it by a shell to its end, as <c>"$@"</c> of a script; for what only a shell does with its streams.</summary>
    public static (int Code, string Error) Shell(string script, params string[] arguments)
    {
        using var process = Start("sh", null, null, ["-c", script, "sh", Host, .. Program(arguments)]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"escnative {string.Join(' ', arguments)} did not end within {Patience}");
        }

        Assert.Empty(output.Result);
        return (process.ExitCode, error.Result);
    }

    /// <summary>Starts it; the caller waits for it.</summary>
    public static Process Start(string? folder, IReadOnlyDictionary<string, string>? environment, params string[] arguments) =>
        Start(Host, folder, environment, Program(arguments));

    private static string Host => Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";

    private static string[] Program(string[] arguments) => ["exec", Path.Combine(AppContext.BaseDirectory, "escnative.dll"), .. arguments];

    private static Process Start(string program, string? folder, IReadOnlyDictionary<string, string>? environment, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = folder ?? "",
        };
        // What the developer has set for himself must not reach the tests.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("ESC_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        // Nor a GPU that this machine may have.
        start.Environment["ESC_CUDA_PATH"] = Path.Combine(AppContext.BaseDirectory, "no-cuda");
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException("the process did not start");
    }

    /// <summary>Sends what Ctrl-C sends; or what a service manager sends, where a shell started this process (and so its
    /// children) in the background, with the interrupt signal ignored. The program treats both alike.</summary>
    public static void Interrupt(Process process)
    {
        const int sigint = 2;
        Assert.Equal(0, Kill(process.Id, Ignores(process, sigint) ? Terminate : sigint));
    }

    /// <summary>Sends what a terminal that is closed sends; or the request to end where nohup has that ignored.</summary>
    public static void HangUp(Process process)
    {
        const int sighup = 1;
        Assert.Equal(0, Kill(process.Id, Ignores(process, sighup) ? Terminate : sighup));
    }

    private static bool Ignores(Process process, int signal)
    {
        var status = $"/proc/{process.Id}/status";
        if (!File.Exists(status))
            return false;
        var ignored = File.ReadLines(status).First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..];
        return (Convert.ToUInt64(ignored.Trim(), 16) >> (signal - 1) & 1) != 0;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    /// <summary>How a process ended.</summary>
    public sealed record Outcome(int Code, string Output, string Error)
    {
        /// <summary>Everything it said, for a failing test.</summary>
        public override string ToString() => $"exit code {Code}\n{Output}\n{Error}";
    }
}
