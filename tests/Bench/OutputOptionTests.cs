using System.Text;
using EscNative.Bench;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models;

namespace EscNative.Tests.Bench;

/// <summary>Where a command line writes to: standard output, links, files that are inputs too, and what it leaves behind.</summary>
public sealed class OutputOptionTests(SmallFiles files) : IClassFixture<SmallFiles>
{
    [Fact]
    public void A_dash_is_standard_output_with_nothing_else_on_it()
    {
        foreach (var name in OperatingSystem.IsLinux() ? (string[])["-", "/dev/stdout"] : ["-"])
        {
            var outcome = ToolProcess.Run("inspect", files.Model, "--json", name);
            Assert.True(outcome.Code == 0, outcome.ToString());
            Assert.Equal("inspect", ResultJson.Parse(outcome.Output).Verb);
            Assert.StartsWith("{", outcome.Output, StringComparison.Ordinal);
            Assert.EndsWith("}\n", outcome.Output, StringComparison.Ordinal);
            // What people read is still there, on the other stream.
            Assert.Contains("features.0.0.weight", outcome.Error, StringComparison.Ordinal);
        }

        Assert.False(File.Exists("-"));
        Assert.Empty(ToolProcess.Run("inspect", files.Model, "--json", "-", "--quiet").Error);
    }

    [Fact]
    public void A_model_on_standard_output_is_the_file_that_it_would_be()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a shell");
        using var folder = new TemporaryFolder();
        var (file, piped) = (folder["file.safetensors"], folder["piped.safetensors"]);
        string[] request = ["unlearn", "--model-file", files.Model, "--forget-class", "4", "--k", "1", "--threads", "1"];
        var plain = ToolProcess.Run([.. request, "--output", file]);
        Assert.True(plain.Code == 0, plain.ToString());
        var (code, error) = ToolProcess.Shell($"exec \"$@\" --output - > '{piped}'", request);
        Assert.True(code == 0, error);
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(piped));
        using var model = ModelFile.Load(piped);
        Assert.NotNull(model.Erasure);
        // The record tells the hash of what was written, without reading the pipe again.
        Assert.Contains(ModelCache.HashOf(file), plain.Output, StringComparison.Ordinal);
        Assert.Contains(ModelCache.HashOf(file), error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("inspect {model} --json {model} --force", "is an output and the file of FILE")]
    [InlineData("inspect --model-file {model} --json {link} --force", "is an output and the file of --model-file")]
    [InlineData("evaluate --model-file {model} --original {original} --forget-class 4 --json {original} --force", "is an output and the file of --original")]
    [InlineData("evaluate --model-file {model} --original {model} --retrain {original} --forget-class 4 --json {original} --force", "is an output and the file of --retrain")]
    [InlineData("unlearn --model-file {model} --forget-class 4 --output {link} --force", "is an output and the file of --model-file")]
    [InlineData("unlearn --model-file {model} --forget-indices {indices} --output {indices} --force", "is an output and the file of --forget-indices")]
    [InlineData("doctor --data {model} --json {model} --force", "is an output and the file of --data")]
    [InlineData("doctor --config {config} --json {config} --force", "is an output and the file of --config")]
    [InlineData("train --data {set} --output {set}/t10k-labels-idx1-ubyte --force", "is one of the files of --data")]
    [InlineData("train --output {new} --json {new}", "two outputs have the same name")]
    [InlineData("train --output {existing} --json {existinglink} --force", "two outputs have the same name")]
    [InlineData("train --output {new} --checkpoint {new}", "two outputs have the same name")]
    [InlineData("train --output {existing} --checkpoint {existing} --resume --force", "two outputs have the same name")]
    [InlineData("train --output - --json -", "two outputs have the same name")]
    [InlineData("train --output {new} --checkpoint -", "--checkpoint -: wants a file")]
    [InlineData("report --model-file {model} --json artifacts/report.html", "two outputs have the same name")]
    public void An_output_that_is_an_input_or_another_output_is_refused_before_any_work(string line, string expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs symbolic links");
        using var folder = new TemporaryFolder();
        var model = folder.Write("model.safetensors", File.ReadAllBytes(files.Model));
        folder.Write("original.safetensors", File.ReadAllBytes(files.Model));
        folder.Write("existing", "mine"u8.ToArray());
        folder.Write("config.json", "{}"u8.ToArray());
        folder.Write("indices.txt", "1\n"u8.ToArray());
        folder.Write("set/t10k-labels-idx1-ubyte", [0]);
        File.CreateSymbolicLink(folder["link"], "model.safetensors");
        File.CreateSymbolicLink(folder["existinglink"], "existing");
        var before = folder.Files();
        var text = line.Replace("{model}", model, StringComparison.Ordinal).Replace("{link}", folder["link"], StringComparison.Ordinal)
            .Replace("{original}", folder["original.safetensors"], StringComparison.Ordinal).Replace("{existing}", folder["existing"], StringComparison.Ordinal)
            .Replace("{existinglink}", folder["existinglink"], StringComparison.Ordinal).Replace("{config}", folder["config.json"], StringComparison.Ordinal)
            .Replace("{indices}", folder["indices.txt"], StringComparison.Ordinal).Replace("{set}", folder["set"], StringComparison.Ordinal)
            .Replace("{new}", folder["new"], StringComparison.Ordinal);
        var (code, output, error) = Run(text.Split(' '));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.Equal(before, folder.Files());
        Assert.Equal(File.ReadAllBytes(files.Model), File.ReadAllBytes(model));
    }

    [Fact]
    public void One_device_may_take_several_outputs()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /dev");
        Assert.Equal(0, Run("inspect", files.Model, "--json", "/dev/null").Code);
        var (code, _, error) = Run("inspect", files.Model, "--json", "/dev/full");
        Assert.Equal(5, code);
        Assert.Contains("cannot write /dev/full", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_in_artifacts_are_the_programs_own_and_a_link_out_of_it_is_not()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs symbolic links");
        using var folder = new TemporaryFolder();
        folder.Write("artifacts/own.json", "old"u8.ToArray());
        folder.Write("mine.json", "mine"u8.ToArray());
        folder.Write("elsewhere/artifacts/mine.json", "mine"u8.ToArray());
        File.CreateSymbolicLink(folder["artifacts/out.json"], "../mine.json");
        Assert.Equal(0, InFolder("artifacts/own.json").Code);
        Assert.Equal("inspect", ResultJson.Parse(File.ReadAllText(folder["artifacts/own.json"])).Verb);
        foreach (var name in (string[])["artifacts/out.json", "mine.json", "elsewhere/artifacts/mine.json", "artifacts/../mine.json"])
        {
            var outcome = InFolder(name);
            Assert.True(outcome.Code == 2, outcome.ToString());
            Assert.Contains("the file exists", outcome.Error, StringComparison.Ordinal);
        }

        Assert.Equal("mine", File.ReadAllText(folder["mine.json"]));
        Assert.Equal("mine", File.ReadAllText(folder["elsewhere/artifacts/mine.json"]));

        ToolProcess.Outcome InFolder(string json) => ToolProcess.RunIn(folder.Path, null, "inspect", files.Model, "--json", json);
    }

    [Fact]
    public async Task A_closed_terminal_ends_the_run_and_leaves_no_temporary_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["tmp"]);
        using var process = ToolProcess.Start(
            folder.Path, new Dictionary<string, string> { ["TMPDIR"] = folder["tmp"] }, "report", "--cache", folder["cache"], "--threads", "1");
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        for (var waited = 0; Scratch().Length == 0; waited++)
        {
            Assert.False(process.HasExited, "ended before it began");
            Assert.True(waited < 1200, "no scratch folder within two minutes");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        ToolProcess.HangUp(process);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "still running a minute after its terminal was closed");
        Assert.True(process.ExitCode == 130, await error);
        Assert.Empty(Scratch());
        Assert.DoesNotContain(folder.Files(), name => name.Contains(".escnative-", StringComparison.Ordinal) || name.Contains(".partial", StringComparison.Ordinal));

        string[] Scratch() => Directory.GetDirectories(folder["tmp"], "escnative-*");
    }

    [Theory]
    [InlineData("\ufeff{\"threads\": 1}", 0, "")]
    [InlineData("{\"device\": \"\\ud800\"}", 2, "is not valid Unicode")]
    [InlineData("{\"\\ud800\": 1}", 2, "is not valid Unicode")]
    public void A_configuration_with_a_mark_is_read_and_one_that_is_no_text_is_refused(string json, int code, string expected)
    {
        using var folder = new TemporaryFolder();
        var config = folder.Write("config.json", Encoding.UTF8.GetBytes(json));
        var outcome = Run("inspect", files.Model, "--config", config);
        Assert.True(outcome.Code == code, outcome.Error);
        Assert.Contains(expected, outcome.Error, StringComparison.Ordinal);
        folder.Write("config.json", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("{}")).ToArray());
        outcome = Run("inspect", files.Model, "--config", config);
        Assert.Equal(2, outcome.Code);
        Assert.Contains("is UTF-16 text; save it as UTF-8", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_configurations_are_usage_errors()
    {
        using var folder = new TemporaryFolder();
        var path = folder["config.json"];
        var valid = "{\"$schema\": \"x\", \"threads\": 3, \"forget-class\": [4, 5], \"quiet\": true, \"p\": 1.5}"u8.ToArray();
        FuzzRun.Run("config", valid, valid.Length, input =>
        {
            File.WriteAllBytes(path, input);
            try
            {
                ConfigFile.Read(path, ["threads", "forget-class", "quiet", "p"]);
            }
            catch (UsageException wrong)
            {
                throw new EscException(ErrorCode.BadInput, wrong.Message);
            }
        });
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = new Application(new Terminal(output, error, false, false, _ => null), _ => null, CancellationToken.None).Run(arguments);
        return (code, output.ToString(), error.ToString());
    }
}
