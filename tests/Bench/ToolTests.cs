using EscNative.Bench.Reports;
using EscNative.Models;

namespace EscNative.Tests.Bench;

/// <summary>The tool as a process: exit codes, streams, files.</summary>
public sealed class ToolTests(SmallFiles files) : IClassFixture<SmallFiles>
{
    private static readonly Dictionary<string, string> German = new() { ["LANG"] = "de_DE.UTF-8", ["LC_ALL"] = "de_DE.UTF-8" };
    private static readonly Dictionary<string, string> Turkish = new() { ["LANG"] = "tr_TR.UTF-8", ["LC_ALL"] = "tr_TR.UTF-8" };

    [Fact]
    public void A_usage_error_is_2_on_the_error_stream()
    {
        var outcome = ToolProcess.Run("unknown-verb");
        Assert.Equal(2, outcome.Code);
        Assert.Empty(outcome.Output);
        Assert.StartsWith("escnative: unknown verb", outcome.Error, StringComparison.Ordinal);
    }

    public static TheoryData<int, string, string> BadRequests => new()
    {
        { 4, "CUDA driver: not found", "unlearn --model-file {model} --forget-class 4 --output {new} --device cuda" },
        { 4, "CUDA driver: not found", "doctor --device cuda:1" },
        { 3, "does not exist", "unlearn --model-file {folder}/none.safetensors --forget-class 4 --output {new}" },
        { 3, "{truncated}", "unlearn --model-file {truncated} --forget-class 4 --output {new}" },
        { 3, "{truncated}", "inspect {truncated}" },
        { 3, "neither a file nor a folder", "unlearn --model-file {model} --data {folder}/none --forget-class 4 --output {new}" },
        { 3, "no data set in this folder", "report --model-file {model} --data {folder}" },
        { 3, "does not exist", "unlearn --model-file {model} --forget-indices {folder}/none.txt --output {new}" },
        { 2, "the file exists", "unlearn --model-file {model} --forget-class 4 --output {existing}" },
        { 2, "the file exists", "doctor --json {existing}" },
        { 2, "the file exists", "report --model-file {model} --json {existing}" },
        { 2, "two outputs have the same name", "report --model-file {model} --json {new} --html {new}" },
        { 5, "cannot write", "unlearn --model-file {model} --forget-class 4 --output {folder}/none/out.safetensors" },
        { 5, "it is a folder", "unlearn --model-file {model} --forget-class 4 --output {folder}" },
        { 5, "cannot write", "doctor --json {folder}/none/out.json" },
        { 2, "k: got 8, wants 0 to 7", "unlearn --model-file {model} --forget-class 4 --k 8 --output {new}" },
        { 2, "--p and --k exclude each other", "unlearn --model-file {model} --forget-class 4 --k 1 --p 20 --output {new}" },
        { 2, "nothing would be erased", "unlearn --model-file {model} --forget-class 4 --p 1 --output {new}" },
        { 2, "forget class: got '10'", "unlearn --model-file {model} --forget-class 10 --output {new}" },
        { 2, "forget class: got ''", "unlearn --model-file {model} --forget-class 4, --output {new}" },
        { 2, "given twice", "unlearn --model-file {model} --forget-class 4,4 --output {new}" },
        { 2, "what is to be forgotten is missing", "unlearn --model-file {model} --output {new}" },
        { 2, "exclude each other", "unlearn --model-file {model} --forget-class 4 --forget-indices x --output {new}" },
        { 2, "--method: got 'magic'", "unlearn --model-file {model} --forget-class 4 --method magic --output {new}" },
        { 2, "solver", "unlearn --model-file {model} --forget-class 4 --k 1 --solver magic --output {new}" },
        { 2, "--arch: got 'resnet19'", "train --arch resnet19 --output {new}" },
        { 2, "most would be black", "train --arch resnet18 --output {new}" },
        { 2, "batch: got 1", "train --batch 1 --output {new}" },
        { 2, "--resume: wants the checkpoint", "train --resume --output {new}" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public void A_request_that_cannot_be_done_ends_with_its_code_and_changes_nothing(int code, string expected, string line)
    {
        var output = files["new.out"];
        string Fill(string text) => text.Replace("{model}", files.Model, StringComparison.Ordinal).Replace("{truncated}", files.Truncated, StringComparison.Ordinal)
            .Replace("{existing}", files.Existing, StringComparison.Ordinal).Replace("{folder}", files.Folder, StringComparison.Ordinal)
            .Replace("{new}", output, StringComparison.Ordinal);
        var before = Directory.GetFiles(files.Folder).Order().ToArray();

        var outcome = ToolProcess.Run(Fill(line).Split(' '));

        Assert.True(outcome.Code == code, outcome.ToString());
        Assert.Contains(Fill(expected), outcome.Error, StringComparison.Ordinal);
        Assert.StartsWith("escnative: ", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(outcome.Output);
        Assert.Equal(before, Directory.GetFiles(files.Folder).Order());
        Assert.Equal("mine", File.ReadAllText(files.Existing));
    }

    [Fact]
    public void Doctor_reports_missing_data_with_the_path_and_the_fix()
    {
        using var folder = new TemporaryFolder();
        var outcome = ToolProcess.Run("doctor", "--data", files["none"], "--json", folder["doctor.json"]);
        Assert.Equal(3, outcome.Code);
        var data = ResultJson.Parse(File.ReadAllText(folder["doctor.json"])).Findings!.Single(f => f.Subject == "data");
        Assert.False(data.Ok);
        Assert.Contains($"tried {files["none"]}", data.Found, StringComparison.Ordinal);
        Assert.Contains("leave it out for the embedded set", data.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void The_main_job_checks_its_outputs_before_it_works()
    {
        using var folder = new TemporaryFolder();
        folder.Write("artifacts", []);
        var outcome = ToolProcess.RunIn(folder.Path, null, "report", "--cache", folder["cache"]);
        Assert.Equal(5, outcome.Code);
        Assert.Contains("artifacts is a file, wants a folder; give the output another name", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(["artifacts"], folder.Files());
    }

    [Fact]
    public void Inspect_lists_the_tensors_and_reads_the_same_in_every_culture()
    {
        var plain = ToolProcess.Run("inspect", files.Model);
        Assert.True(plain.Code == 0, plain.ToString());
        Assert.Contains("features.0.0.weight", plain.Output, StringComparison.Ordinal);
        Assert.Contains("Architecture: allcnn", plain.Output, StringComparison.Ordinal);
        Assert.Equal(Stable(plain.Output), Stable(ToolProcess.Run(German, "inspect", files.Model).Output));
        Assert.Equal(Stable(plain.Output), Stable(ToolProcess.Run(Turkish, "inspect", files.Model).Output));
        Assert.Contains("wants a number", ToolProcess.Run(German, "report", "--p", "1,5").Error, StringComparison.Ordinal);

        // The product's lines end with the time.
        static string Stable(string output)
        {
            var product = output.IndexOf("\nproduct", StringComparison.Ordinal);
            return output.Remove(product, output.IndexOf("\n\n", product, StringComparison.Ordinal) - product);
        }
    }

    [Fact]
    public void Unlearn_writes_a_model_with_its_erasure_and_evaluate_reads_it()
    {
        using var folder = new TemporaryFolder();
        var (erased, json) = (folder["erased.safetensors"], folder["result.json"]);
        var outcome = ToolProcess.Run("unlearn", "--model-file", files.Model, "--forget-class", "4", "--k", "2", "--output", erased, "--json", json, "--threads", "1");
        Assert.True(outcome.Code == 0, outcome.ToString());
        using (var model = ModelFile.Load(erased))
            Assert.Equal(2, Assert.Single(model.Erasure!.Factors).Rank);
        var result = ResultJson.Parse(File.ReadAllText(json));
        Assert.Equal("unlearn", result.Verb);
        Assert.Equal(150, result.Request!.ForgetImages);
        Assert.InRange(Assert.Single(result.Erasures!).Orthogonality, 0, 1e-12);
        Assert.Equal(2, folder.Files().Length);

        var evaluated = folder["evaluated.json"];
        outcome = ToolProcess.Run(
            "evaluate", "--model-file", erased, "--original", files.Model, "--retrain", files.Model, "--forget-class", "4", "--json", evaluated);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var metrics = ResultJson.Parse(File.ReadAllText(evaluated)).Metrics!;
        Assert.Equal(["original", "model", "retrain"], metrics.Columns);
        Assert.All(metrics.Rows, row => Assert.Equal(row.Values["original"], row.Values["retrain"]));
        Assert.Contains(metrics.Rows, row => row is { Metric: "KR-strong", Name: "D_f" } && row.Values["original"] >= 0);
    }

    [Fact]
    public void Force_replaces_an_output()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("out.json", "old"u8.ToArray());
        Assert.Equal(2, ToolProcess.Run("inspect", files.Model, "--json", path).Code);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(0, ToolProcess.Run("inspect", files.Model, "--json", path, "--force").Code);
        Assert.Equal("inspect", ResultJson.Parse(File.ReadAllText(path)).Verb);
    }

    [Fact]
    public async Task Ctrl_C_ends_with_130_and_leaves_the_last_whole_checkpoint()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "sends a POSIX signal");
        using var folder = new TemporaryFolder();
        var (checkpoint, output) = (folder["run.ckpt"], folder["model.safetensors"]);
        using var process = ToolProcess.Start(
            null, null, "train", "--width", "0.02", "--epochs", "100000", "--checkpoint", checkpoint, "--output", output, "--threads", "1");
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        for (var waited = 0; !File.Exists(checkpoint); waited++)
        {
            Assert.False(process.HasExited, "ended before its first checkpoint");
            Assert.True(waited < 1200, "no checkpoint within two minutes");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        ToolProcess.Interrupt(process);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "still running a minute after Ctrl-C");
        Assert.True(process.ExitCode == 130, await error);
        Assert.Contains("cancelled", await error, StringComparison.Ordinal);
        Assert.Equal(["run.ckpt"], folder.Files());
        using var whole = EscNative.Engine.Formats.SafetensorsFile.Open(checkpoint);
        Assert.NotEmpty(whole.Entries);
    }

    [Fact]
    public void The_main_job_runs_whole_with_a_small_model_and_writes_both_files()
    {
        using var folder = new TemporaryFolder();
        var outcome = ToolProcess.RunIn(folder.Path, null, "--model-file", files.Model, "--k", "1");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Equal(["artifacts/report.html", "artifacts/report.json"], folder.Files().Select(f => f.Replace('\\', '/')));
        var result = ResultJson.Parse(File.ReadAllText(folder["artifacts/report.json"]));
        Assert.Equal(["load", "read", "compile", "upload", "forward", "gram", "solve", "apply", "save"], result.Latency!.Stages.Select(s => s.Name));
        Assert.Equal(["paper", "official"], result.Erasures!.Select(e => e.Mode));
        Assert.Equal(["original", "paper", "official"], result.Metrics!.Columns);
        Assert.True(result.Latency.Request.Count >= 10);
        Assert.Equal(["Original", "Retrain", "ESC"], result.Paper!.Select(row => row.Method));
        Assert.Contains("KR-strong", outcome.Output, StringComparison.Ordinal);
        Assert.True(new FileInfo(folder["artifacts/report.html"]).Length is > 5_000 and < 150_000);
        // A slow machine tells how far it is before.
        Assert.StartsWith("written: ", outcome.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }
}
