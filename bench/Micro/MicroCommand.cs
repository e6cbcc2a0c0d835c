using EscNative.Bench.Commands;

namespace EscNative.Bench.Micro;

/// <summary><c>micro</c>: single operations and kernels under BenchmarkDotNet.</summary>
internal static class MicroCommand
{
    // Neither published nor packed: the verb is for those who have the source.
    private const string Library = "BenchmarkDotNet.dll";

    public static Verb Verb(OptionSet options) => new(
        "micro",
        "Measures single operations and kernels with BenchmarkDotNet: time and managed memory.",
        [options.Filter, options.Job, options.Device, options.Threads, options.Json, options.Html, options.Force, options.Config, options.Quiet],
        ["escnative micro --filter Operation", "escnative micro --filter Convolution --job short --threads 1 --json micro.json"],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, Library)))
            throw new UsageException("micro: this is the installed tool, which comes without BenchmarkDotNet; run it from the source: dotnet run -c Release --project bench -- micro");
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html));
        var (_, setup) = Setup.TakeToMeasure(context);
        var document = Setup.Document(context, setup);
        var result = MicroRunner.Run(context.Get(options.Filter) ?? "", context.Get(options.Job), context.Terminal, context.Cancel);
        Setup.Publish(context, document with { Micro = result });
        return ExitCode.Ok;
    }
}
