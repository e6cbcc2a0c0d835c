using System.Diagnostics;
using EscNative.Bench.Cli;

namespace EscNative.Bench.Peers;

/// <summary>A process that keeps one core busy for as long as this object lives, as another user's job would.</summary>
internal sealed class BusyCore : IDisposable
{
    private const string VerbName = "busy-core";

    private static readonly string Library = Path.Combine(AppContext.BaseDirectory, "escnative.dll");

    private readonly Process _process;

    public BusyCore()
    {
        var host = Environment.ProcessPath!;
        var (file, arguments) = Path.GetFileNameWithoutExtension(host) switch
        {
            "escnative" => (host, Array.Empty<string>()),
            "dotnet" => (host, ["exec", Library]),
            _ => ("dotnet", ["exec", Library]),
        };
        _process = Process.Start(new ProcessStartInfo(file, [.. arguments, VerbName]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        // Its first line says that it computes.
        if (_process.StandardOutput.ReadLine() is null)
            throw new InvalidOperationException("the busy process ended at once");
    }

    /// <summary>The verb of the busy process: it computes until its input ends, with its parent at the latest.</summary>
    public static Verb Verb(OptionSet options) => new(
        VerbName,
        "Keeps one core busy until standard input ends; peers starts it.",
        [options.Quiet],
        ["escnative busy-core"],
        context =>
        {
            var spinner = new Thread(Spin) { IsBackground = true };
            spinner.Start();
            context.Terminal.Output.WriteLine("busy");
            context.Terminal.Output.Flush();
            while (Console.In.Read() >= 0)
                context.Cancel.ThrowIfCancellationRequested();
            return ExitCode.Ok;
        })
    { Hidden = true };

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static void Spin()
    {
        var x = 1UL;
        while (x != 0)
            x = (x * 6364136223846793005) | 1;
    }
}
