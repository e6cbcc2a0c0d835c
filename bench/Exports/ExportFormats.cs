namespace EscNative.Bench.Exports;

/// <summary>Every format, in the order of the documentation: one line each.</summary>
internal static class ExportFormats
{
    public static IReadOnlyList<IExportFormat> All { get; } =
    [
        new CsvExport(),
        new MarkdownExport(),
        new TraceExport(),
        new SpeedscopeExport(),
        new BenchmarkDotNetExport(),
        new BencherExport(),
        new GitHubActionExport(),
        new GoogleBenchmarkExport(),
        new HyperfineExport(),
        new OpenMetricsExport(),
    ];

    public static IEnumerable<string> Names => All.Select(format => format.Name);
}
