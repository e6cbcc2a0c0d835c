using System.Text;
using EscNative.Bench.Cli;
using EscNative.Bench.Exports;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine.Formats;

namespace EscNative.Bench.Verbs;

/// <summary><c>export</c>: a saved result in another program's format, or as an HTML page.</summary>
internal static class ExportCommand
{
    private static readonly FileArgument File = new("A result that a verb wrote with --json.");

    public static Verb Verb(OptionSet options) => new(
        "export",
        "Writes a saved result for another program (CSV, traces, benchmark formats), or as an HTML page.",
        [options.Export, options.Html, options.Force, options.Config, options.Quiet],
        [
            "escnative export artifacts/report.json --export csv=report.csv --export trace=report.trace.json",
            "escnative export kernels.json --export markdown=-",
        ],
        Run)
    {
        Argument = File,
    };

    private static ExitCode Run(CommandContext context)
    {
        var path = context.Parsed.GetValue(File) ?? throw new UsageException("export: FILE is missing: a result that a verb wrote with --json");
        var (exports, html) = (ExportRequest.Of(context), context.Get(context.Options.Html));
        if (exports.Count == 0 && html is null)
            throw new UsageException($"export: give --export FORMAT=FILE or --html FILE; formats: {string.Join(", ", ExportFormats.Names)}");
        Setup.CheckOutputs(context, html);
        var result = Read(path);
        ExportRequest.Write(context, exports, result);
        if (html is not null)
            HtmlReport.Write(result, html, Outputs.Prepare(context, html));
        return ExitCode.Ok;
    }

    private static ResultDocument Read(string path)
    {
        using var stream = InputFile.Open(path);
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        try
        {
            return ResultJson.Parse(Encoding.UTF8.GetString(InputFile.WithoutByteOrderMark(bytes.ToArray(), path).Span));
        }
        catch (EscException cause) when (cause is not DataFormatException)
        {
            throw new EscException(cause.Code, $"export {path}: {cause.Message}", cause);
        }
    }
}
