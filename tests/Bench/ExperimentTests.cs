using EscNative.Bench.Experiments;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Bench;

public sealed class ExperimentTests
{
    private static readonly IUnlearningMethod[] Known = [MethodRegistry.Create("scrub"), MethodRegistry.Create("ng"), MethodRegistry.Create("esc")];

    [Fact]
    public void Values_for_one_method_win_over_those_for_all()
    {
        var settings = MethodSettings.Parse(" epochs=2, scrub.epochs=3,learning-rate=1e-3 ");
        settings.Check(Known);
        Assert.Equal(3, settings.For(Known[0])["epochs"]);
        Assert.Equal(2, settings.For(Known[1])["epochs"]);
        Assert.Equal(0.001, settings.For(Known[1])["learning-rate"]);
        Assert.Empty(settings.For(Known[2]));
        Assert.Equal(7, MethodSettings.Parse(null).For(Known[1], new Dictionary<string, double> { ["epochs"] = 7, ["unknown"] = 1 })["epochs"]);
    }

    [Theory]
    [InlineData("epochs", "got 'epochs', wants NAME=NUMBER")]
    [InlineData("=3", "got '=3'")]
    [InlineData("epochs=two", "got 'epochs=two'")]
    [InlineData("speed=1", "no method here has 'speed'; scrub: ")]
    [InlineData("esc.epochs=1", "no method here has 'esc.epochs'")]
    public void Anything_else_is_refused_with_what_there_is(string text, string words) =>
        Assert.Contains(words, Assert.Throws<UsageException>(() => MethodSettings.Parse(text).Check(Known)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_papers_run_times_are_multiples_of_escs()
    {
        Assert.Equal(9.17, PaperRunTimes.Of("lau").Ratio);
        Assert.Equal(29.47 / 2.24, PaperRunTimes.Of("esc-t").Ratio, 12);
        Assert.True(double.IsNaN(PaperRunTimes.Of("leace").Ratio));
    }

    [Fact]
    public void Every_method_runs_from_the_command_line_beside_the_original_and_retrain()
    {
        using var folder = new TemporaryFolder();
        var model = folder["tiny.safetensors"];
        using (var untrained = Architectures.Create(Description(), seed: 3))
            ModelFile.Save(untrained, model);
        string[] line =
        [
            "report", "--method", "all", "--model-file", model, "--k", "1", "--state", folder["state"], "--json", folder["result.json"], "--html", folder["result.html"],
            "--set", Quick,
        ];
        var outcome = ToolProcess.RunIn(folder.Path, null, line);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var result = ResultJson.Parse(File.ReadAllText(folder["result.json"])).Experiment!;
        Assert.Equal(["original", "retrain"], result.Methods.Take(2).Select(m => m.Method));
        Assert.Equal(MethodRegistry.Names, result.Methods.Skip(1).Select(m => m.Method).Order(StringComparer.Ordinal));
        foreach (var method in result.Methods)
        {
            Assert.True(method.NotApplicable is null, $"{method.Method}: {method.NotApplicable}");
            foreach (var (metric, name) in ((string, string)[])[("accuracy", "D_f"), ("accuracy", "HM_t"), ("KR-official", "D_f"), ("KR-strong", "D_f")])
            {
                var value = method.Metrics.Single(m => (m.Metric, m.Name) == (metric, name)).Mean;
                Assert.True(value is >= 0 and <= 100, $"{method.Method} {metric} {name}: {value}");
            }

            if (method.Method != "original")
                Assert.True(Assert.Single(method.Trials).Seconds > 0, method.Method);
            Assert.Contains(method.Method, outcome.Output, StringComparison.Ordinal);
        }

        Assert.Equal(MethodRegistry.Names.Count - 1, result.Claims.Count);
        Assert.Contains("claim / measured", File.ReadAllText(folder["result.html"]), StringComparison.Ordinal);

        // Nothing is answered twice: the times are those of the first run.
        var again = ToolProcess.RunIn(folder.Path, null, [.. line.Select(a => a.Replace("result.", "again.", StringComparison.Ordinal))]);
        Assert.True(again.Code == 0, again.ToString());
        var repeated = ResultJson.Parse(File.ReadAllText(folder["again.json"])).Experiment!;
        Assert.Equal(result.Methods.SelectMany(m => m.Trials.Select(t => t.Seconds)), repeated.Methods.SelectMany(m => m.Trials.Select(t => t.Seconds)));
        Assert.Equal(result.Methods.SelectMany(m => m.Metrics.Select(s => s.Mean)), repeated.Methods.SelectMany(m => m.Metrics.Select(s => s.Mean)));
    }

    [Fact]
    public void Requests_one_after_another_are_answered_with_latency_and_accuracy_each()
    {
        using var folder = new TemporaryFolder();
        var model = folder["tiny.safetensors"];
        using (var untrained = Architectures.Create(Description(), seed: 3))
            ModelFile.Save(untrained, model);
        var outcome = ToolProcess.RunIn(
            folder.Path, null, "report", "--method", "esc", "--k", "1", "--forget-class", "4/7,8/2", "--trials", "2", "--model-file", model, "--json", folder["result.json"],
            "--html", folder["result.html"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var result = ResultJson.Parse(File.ReadAllText(folder["result.json"])).Experiment!;
        Assert.Equal(["class 4 (coat)", "classes 7, 8 (sneaker, bag)", "class 2 (pullover)"], result.Trials[1].Requests);
        var esc = result.Methods.Single(m => m.Method == "esc");
        Assert.Equal(2, esc.Trials.Count);
        Assert.All(esc.Trials, t => Assert.Equal(3, t.Requests.Count));
        Assert.All(esc.Trials, t => Assert.All(t.Requests.Append(t.Joint!), r => Assert.True(r.Seconds > 0 && r.Accuracies!["D_f"] >= 0)));
        Assert.NotNull(esc.Metrics[0].Deviation);
        Assert.Contains("all at once", outcome.Output, StringComparison.Ordinal);
    }

    // The shortest run of everything; names that a method does not have are refused, so this list is true.
    private const string Quick = "epochs=1,unsir.epochs=2,fisher.samples=20";

    private static ModelDescription Description() => new()
    {
        Hyperparameters = new AllCnnHyperparameters(0.05),
        Channels = 3,
        ClassNames = EmbeddedData.Open().ClassNames,
        Normalisation = Normalisation.Half,
    };
}
