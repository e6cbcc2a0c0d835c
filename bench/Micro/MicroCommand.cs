using EscNative.Bench.Cli;
using EscNative.Bench.Requests;
using EscNative.Engine;

namespace EscNative.Bench.Micro;

/// <summary><c>micro</c>: single operations and kernels under BenchmarkDotNet.</summary>
internal static class MicroCommand
{
    // Neither published nor packed: the verb is for those who have the source.
    private const string Library = "BenchmarkDotNet.dll";

    // Of the emulated device: launches return at once.
    private const string NoLaunches = "ESC_EMULATOR_NOOP";

    public static Verb Verb(OptionSet options) => new(
        "micro",
        "Measures single operations and kernels with BenchmarkDotNet: time and managed memory.",
        [options.Filter, options.Job, options.Device, options.Threads, options.Json, options.Html, options.Export, options.Force, options.Config, options.Quiet],
        ["escnative micro --filter Operation", "escnative micro --filter Convolution --job short --threads 1 --json micro.json"],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, Library)))
            throw new UsageException("micro: this is the installed tool, which comes without BenchmarkDotNet; run it from the source: dotnet run -c Release --project bench -- micro");
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html));
        // Without launches what is left is an operation's cost on the host, which the emulated device does not falsify.
        var (device, setup) = Environment.GetEnvironmentVariable(NoLaunches) == "1" ? Setup.Take(context) : Setup.TakeToMeasure(context);
        Device.Default = device;
        var document = Setup.Document(context, setup);
        var result = MicroRunner.Run(context.Get(options.Filter) ?? "", context.Get(options.Job), context.Terminal, context.Cancel);
        if (device.IsEmulated)
            result = result with { Engine = $"{result.Engine}, an operation's cost on the host (launches do nothing)" };
        Setup.Publish(context, document with { Micro = result });
        return ExitCode.Ok;
    }
}
