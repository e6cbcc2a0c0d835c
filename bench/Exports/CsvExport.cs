using System.Globalization;
using System.Text;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>Comma-separated values (RFC 4180), a line for each figure, its samples in the last field.</summary>
internal sealed class CsvExport : IExportFormat
{
    private const string NewLine = "\r\n";

    private static readonly char[] Quoted = ['"', ',', '\r', '\n'];

    public string Name => "csv";

    public string Description => "comma-separated values";

    public bool TimesOnly => false;

    public string Write(ResultDocument result)
    {
        var text = new StringBuilder("name,measure,unit,better,value,low,high,runs,threads,device,cpu,version,commit,created,samples").Append(NewLine);
        foreach (var row in ExportRows.Of(result))
        {
            string[] fields =
            [
                row.Name, Lower(row.Measure), row.Unit, Lower(row.Better), Number(row.Value), Number(row.Low), Number(row.High),
                row.Samples.Count > 0 ? row.Samples.Count.ToString(CultureInfo.InvariantCulture) : "", row.Threads.ToString(CultureInfo.InvariantCulture),
                result.Setup.Device, result.Machine.Cpu, result.Product.Version, result.Product.Commit ?? "", result.Created,
                string.Join(' ', row.Samples.Select(sample => Number(sample))),
            ];
            text.AppendJoin(',', fields.Select(Field)).Append(NewLine);
        }

        return text.ToString();
    }

    private static string Field(string text) => text.IndexOfAny(Quoted) < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
