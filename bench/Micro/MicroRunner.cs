using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Micro;

/// <summary>Runs the suites: everything that touches BenchmarkDotNet.</summary>
internal static class MicroRunner
{
    private static readonly Type[] Suites =
        [typeof(OperationBenchmarks), typeof(ProductBenchmarks), typeof(ConvolutionBenchmarks), typeof(WinogradBenchmarks), typeof(InferenceBenchmarks), typeof(SolveBenchmarks)];

    /// <summary>Runs the benchmarks whose name or suite holds a text.</summary>
    /// <param name="filter">The text; empty for all.</param>
    /// <param name="job">full, short or dry.</param>
    /// <param name="terminal">Where BenchmarkDotNet's own lines go: to the errors, unless it is quiet.</param>
    /// <param name="cancel">Stops between two suites.</param>
    /// <exception cref="UsageException">No name holds the text.</exception>
    /// <exception cref="EscException">A benchmark failed.</exception>
    public static MicroResult Run(string filter, string job, Terminal terminal, CancellationToken cancel)
    {
        using var folder = new ScratchFolder();
        // In this process: no second build, and the settings of the command line hold.
        var config = ManualConfig.CreateEmpty()
            .AddJob(Length(job).WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(terminal.Quiet ? NullLogger.Instance : new ErrorLogger(terminal))
            .AddFilter(new SimpleFilter(c => Name(c).Contains(filter, StringComparison.OrdinalIgnoreCase)))
            .WithArtifactsPath(folder.Path)
            .WithOptions(ConfigOptions.DisableLogFile | (job == "dry" ? ConfigOptions.DisableOptimizationsValidator : ConfigOptions.Default));
        var runs = Suites.Select(suite => BenchmarkConverter.TypeToBenchmarks(suite, config)).Where(run => run.BenchmarksCases.Length > 0).ToArray();
        if (runs.Length == 0)
            throw new UsageException($"--filter: no benchmark's name holds '{filter}'; there are the suites {string.Join(", ", Suites.Select(SuiteName))}");
        var rows = new List<MicroRow>();
        foreach (var run in runs)
        {
            cancel.ThrowIfCancellationRequested();
            rows.AddRange(BenchmarkRunner.Run(run).Reports.Select(Row));
        }

        return new MicroResult($"BenchmarkDotNet {typeof(BenchmarkRunner).Assembly.GetName().Version!.ToString(3)}", job, rows);
    }

    private static Job Length(string job) => job switch
    {
        "dry" => Job.Dry,
        "short" => Job.ShortRun,
        _ => Job.Default,
    };

    private static string Name(BenchmarkCase benchmark) => $"{SuiteName(benchmark.Descriptor.Type)}.{benchmark.Descriptor.WorkloadMethod.Name}";

    private static string SuiteName(Type suite) => suite.Name.Replace("Benchmarks", "", StringComparison.Ordinal);

    private static MicroRow Row(BenchmarkReport report)
    {
        var benchmark = report.BenchmarkCase;
        var statistics = report.ResultStatistics
            ?? throw new EscException(ErrorCode.Internal, $"micro: {Name(benchmark)} failed; BenchmarkDotNet said why above (not with --quiet)");
        return new MicroRow(
            SuiteName(benchmark.Descriptor.Type),
            benchmark.Descriptor.WorkloadMethod.Name,
            string.Join(", ", benchmark.Parameters.Items.Select(item => $"{item.Name} {item.ToDisplayText()}")),
            statistics.Mean,
            statistics.Median,
            statistics.N > 1 ? statistics.ConfidenceInterval.Margin : double.NaN,
            report.GcStats.GetBytesAllocatedPerOperation(benchmark),
            statistics.N)
        {
            SamplesNanoseconds = statistics.OriginalValues,
        };
    }

    /// <summary>BenchmarkDotNet's lines, beside the results.</summary>
    private sealed class ErrorLogger(Terminal terminal) : ILogger
    {
        public string Id => nameof(ErrorLogger);

        public int Priority => 0;

        public void Write(LogKind logKind, string text) => terminal.Error.Write(text);

        public void WriteLine() => terminal.Error.WriteLine();

        public void WriteLine(LogKind logKind, string text) => terminal.Error.WriteLine(text);

        public void Flush() => terminal.Error.Flush();
    }
}
