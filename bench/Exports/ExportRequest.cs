using System.Text;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Engine.Formats;

namespace EscNative.Bench.Exports;

/// <summary>One <c>--export FORMAT=FILE</c>.</summary>
/// <param name="Format">How to write.</param>
/// <param name="Path">Where to.</param>
internal sealed record ExportRequest(IExportFormat Format, string Path)
{
    // Measures models, not times.
    private const string Timeless = "evaluate";

    /// <summary>What the command line asks for.</summary>
    /// <exception cref="UsageException">A format is unknown or holds nothing that the verb measures, or a file is not named.</exception>
    public static IReadOnlyList<ExportRequest> Of(CommandContext context)
    {
        var verb = context.Parsed.CommandResult.Command;
        if (!verb.Options.Contains(context.Options.Export))
            return [];
        ExportRequest[] requests = [.. (context.Get(context.Options.Export) ?? []).Select(Parse)];
        return verb.Name == Timeless && Array.Find(requests, request => request.Format.TimesOnly) is { } refused
            ? throw new UsageException($"--export {refused.Format.Name}: {verb.Name} measures no times, and the format holds nothing else; take {string.Join(", ", WithMetrics)}")
            : requests;
    }

    /// <summary>Reads <c>FORMAT=FILE</c>.</summary>
    /// <exception cref="UsageException">The format is unknown or the file is not named.</exception>
    public static ExportRequest Parse(string text)
    {
        var separator = text.IndexOf('=', StringComparison.Ordinal);
        var name = separator < 0 ? text : text[..separator];
        var format = ExportFormats.All.FirstOrDefault(known => known.Name == name);
        if (format is null && (separator >= 0 || Suggestion.For(name, ExportFormats.Names).Length > 0))
            throw new UsageException($"--export {text}: unknown format '{name}'{Suggestion.For(name, ExportFormats.Names)}; there are {string.Join(", ", ExportFormats.Names)}");
        return format is null || separator == text.Length - 1 || separator < 0
            ? throw new UsageException($"--export: got '{text}', wants FORMAT=FILE, such as csv=result.csv, or csv=- for standard output; there are {string.Join(", ", ExportFormats.Names)}")
            : new ExportRequest(format, text[(separator + 1)..]);
    }

    /// <summary>Writes all of them, each whole or not at all; nothing where one cannot be made.</summary>
    /// <exception cref="UsageException">The result holds nothing that a format could show, or a file exists and may not be replaced.</exception>
    /// <exception cref="OutputException">One cannot be written.</exception>
    public static void Write(CommandContext context, IReadOnlyList<ExportRequest> requests, ResultDocument result)
    {
        var texts = requests.Select(request => request.Text(result)).ToArray();
        foreach (var (request, text) in requests.Zip(texts))
            AtomicFile.Write(request.Path, stream => stream.Write(Encoding.UTF8.GetBytes(text)), Outputs.Prepare(context, request.Path));
    }

    /// <summary>The text of the file.</summary>
    /// <exception cref="UsageException">The result holds nothing that the format could show.</exception>
    public string Text(ResultDocument result)
    {
        var rows = ExportRows.Of(result);
        if (rows.Any(row => !Format.TimesOnly || row.Measure == Measure.Time))
            return Format.Write(result);
        throw new UsageException(rows.Count == 0
            ? $"--export {Format.Name}: this result of {PlainText.Of(result.Verb)} holds no measurement; report, peers, kernels, micro and unlearn make some"
            : $"--export {Format.Name}: this result of {PlainText.Of(result.Verb)} holds no times, and the format holds nothing else; take {string.Join(", ", WithMetrics)}");
    }

    private static IEnumerable<string> WithMetrics => ExportFormats.All.Where(format => !format.TimesOnly).Select(format => format.Name);
}
