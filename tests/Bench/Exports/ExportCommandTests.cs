using EscNative.Bench.Cli;
using EscNative.Bench.Exports;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench.Exports;

/// <summary>The option --export and the verb export: what is written where, and what is refused before anything is.</summary>
public sealed class ExportCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _result;

    public ExportCommandTests() => _result = _folder.Write("result.json", System.Text.Encoding.UTF8.GetBytes(ResultJson.Serialize(ExportSample.Create())));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_saved_result_is_written_in_every_format_at_once_and_as_a_page()
    {
        string[] command = ["export", _result, "--html", _folder["page.html"], .. ExportFormats.Names.SelectMany(name => (string[])["--export", $"{name}={_folder[$"{name}.out"]}"])];
        var outcome = CommandLine.Run(command);
        Assert.True(outcome is { Code: 0, Output: "", Error: "" }, outcome.ToString());
        foreach (var name in ExportFormats.Names)
            Assert.Equal(ExportRequest.Parse($"{name}=x").Text(ExportSample.Create()), File.ReadAllText(_folder[$"{name}.out"]));
        Assert.Contains("<html", File.ReadAllText(_folder["page.html"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cvs={new}", "unknown format 'cvs'. Did you mean 'csv'?; there are csv, markdown, trace,")]
    [InlineData("hyprfine", "Did you mean 'hyperfine'?")]
    [InlineData("xyz={new}", "unknown format 'xyz'; there are csv,")]
    [InlineData("{new}", "wants FORMAT=FILE, such as csv=result.csv")]
    [InlineData("csv=", "wants FORMAT=FILE")]
    [InlineData("csv", "wants FORMAT=FILE")]
    [InlineData("csv={existing}", "the file exists")]
    [InlineData("csv={result}", "is an output and the file of FILE")]
    [InlineData("csv={new} --export trace={new}", "two outputs have the same name")]
    [InlineData("csv=- --export trace=-", "two outputs have the same name")]
    [InlineData("csv={folder}/none/x.csv", "none")]
    public void A_bad_one_is_refused_and_nothing_is_written(string text, string says)
    {
        _folder.Write("existing", "mine"u8.ToArray());
        var before = _folder.Files();
        var words = text.Replace("{new}", _folder["new"], StringComparison.Ordinal).Replace("{existing}", _folder["existing"], StringComparison.Ordinal)
            .Replace("{result}", _result, StringComparison.Ordinal).Replace("{folder}", _folder.Path, StringComparison.Ordinal).Split(' ');
        var outcome = CommandLine.Run(["export", _result, "--export", $"markdown={_folder["first"]}", "--export", .. words]);
        Assert.True(outcome.Code is (int)ExitCode.Usage or (int)ExitCode.OutOfResources, outcome.ToString());
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        Assert.Empty(outcome.Output);
        Assert.Equal(before, _folder.Files());
        Assert.Equal("mine", File.ReadAllText(_folder["existing"]));
    }

    [Fact]
    public void A_format_that_the_result_cannot_fill_leaves_the_other_exports_unwritten_too()
    {
        var empty = _folder.Write("empty.json", System.Text.Encoding.UTF8.GetBytes(ResultJson.Serialize(ExportSample.Create() with
        {
            Latency = null,
            Training = null,
            Unlearning = null,
            Erasures = null,
            Experiment = null,
            Peers = null,
            Kernels = null,
            CudaKernels = null,
            Micro = null,
        })));
        var outcome = CommandLine.Run("export", empty, "--export", $"csv={_folder["a.csv"]}", "--export", $"hyperfine={_folder["b.json"]}");
        Assert.Equal(((int)ExitCode.Usage, false), (outcome.Code, File.Exists(_folder["a.csv"])));
        Assert.Contains("take csv, markdown, bencher, openmetrics", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"schema\": \"escnative.result/9\"}", "result")]
    [InlineData("[1, 2]", "result")]
    [InlineData("", "result")]
    public void A_file_that_is_no_result_is_bad_input(string content, string says)
    {
        var file = _folder.Write("other.json", System.Text.Encoding.UTF8.GetBytes(content));
        var outcome = CommandLine.Run("export", file, "--export", $"csv={_folder["new"]}");
        Assert.Equal((int)ExitCode.BadInput, outcome.Code);
        Assert.Contains("other.json", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.BadInput, CommandLine.Run("export", _folder["none.json"], "--export", "csv=-").Code);
        Assert.Equal((int)ExitCode.Usage, CommandLine.Run("export", file).Code);
        Assert.Equal((int)ExitCode.Usage, CommandLine.Run("export", "--export", "csv=-").Code);
        Assert.False(File.Exists(_folder["new"]));
    }

    [Fact]
    public void On_standard_output_an_export_stands_alone()
    {
        var outcome = ToolProcess.Run("export", _result, "--export", "csv=-", "--export", $"trace={_folder["trace.json"]}");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Equal(ExportRequest.Parse("csv=-").Text(ExportSample.Create()), outcome.Output);
        Assert.Empty(outcome.Error);
        // Of a verb that measures, what people read goes to the other stream.
        outcome = ToolProcess.Run("kernels", "--predict", "--filter", "relu", "--export", "csv=-");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.All(Formats.Csv(outcome.Output)[1..], record => Assert.EndsWith("/predicted", record[0], StringComparison.Ordinal));
        Assert.Contains("relu", outcome.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Help_names_every_format()
    {
        var help = new OptionSet().Export.Description!;
        Assert.All(ExportFormats.Names, name => Assert.Contains($"{name}", help, StringComparison.Ordinal));
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "exports.md"));
        Assert.All(ExportFormats.Names, name => Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal));
    }
}
