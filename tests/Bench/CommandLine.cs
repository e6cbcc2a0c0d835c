using EscNative.Bench;
using EscNative.Bench.Cli;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Bench;

/// <summary>The command line inside this process: what it would print, and its exit code.</summary>
internal static class CommandLine
{
    public static ToolProcess.Outcome Run(params string[] arguments) => Run(_ => null, arguments);

    public static ToolProcess.Outcome Run(Func<string, string?> environment, params string[] arguments)
    {
        var threads = CpuParallel.Threads;
        try
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            var terminal = new Terminal(output, error, false, false, environment);
            var code = new Application(terminal, environment, TestContext.Current.CancellationToken).Run(arguments);
            return new ToolProcess.Outcome(code, output.ToString(), error.ToString());
        }
        finally
        {
            CpuParallel.Threads = threads;
        }
    }
}
