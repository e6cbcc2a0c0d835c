using System.Xml.Linq;
using EscNative.Bench.Micro;
using EscNative.Bench.Reports;
using EscNative.Tests.Cuda;

namespace EscNative.Tests.Bench;

public sealed class MicroTests
{
    [Fact]
    public void A_dry_run_measures_time_and_memory_of_every_benchmark_that_the_filter_names()
    {
        using var folder = new TemporaryFolder();
        var outcome = ToolProcess.RunIn(folder.Path, null, "micro", "--filter", "operation.r", "--job", "dry", "--threads", "1", "--json", "micro.json", "--quiet");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Equal(["micro.json"], folder.Files());
        var micro = ResultJson.Parse(File.ReadAllText(folder["micro.json"])).Micro!;
        Assert.Equal(
            [("Operation", "Relu", "Recording False"), ("Operation", "Relu", "Recording True")],
            micro.Rows.Select(row => (row.Suite, row.Name, row.Parameters)));
        Assert.All(micro.Rows, row => Assert.True(row is { MeanNanoseconds: > 0, AllocatedBytes: >= 0, Iterations: 1 }));
        Assert.Contains("Micro benchmarks", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("there are the suites Operation, ", ToolProcess.Run("micro", "--filter", "nothing").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void On_the_emulated_device_only_the_hosts_share_is_measured()
    {
        Assert.SkipWhen(EmulatedMachine.UsesGpu || EmulatedMachine.UnavailableReason is not null, "no emulated machine");
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string> { ["ESC_CUDA_PATH"] = Environment.GetEnvironmentVariable("ESC_CUDA_PATH")!, ["ESC_CUDA_CACHE"] = folder["cubin"] };
        string[] command = ["micro", "--device", "cuda", "--filter", "operation.add", "--job", "dry", "--threads", "1", "--json", folder["micro.json"]];
        var outcome = ToolProcess.Run(environment, command);
        Assert.True(outcome.Code == 4, outcome.ToString());
        Assert.Contains("whose times mean nothing", outcome.Error, StringComparison.Ordinal);
        environment["ESC_EMULATOR_NOOP"] = "1";
        outcome = ToolProcess.Run(environment, command);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var result = ResultJson.Parse(File.ReadAllText(folder["micro.json"]));
        Assert.Equal("cuda:0", result.Setup.Device);
        Assert.EndsWith("launches do nothing)", result.Micro!.Engine, StringComparison.Ordinal);
        Assert.Equal(2, result.Micro.Rows.Count);
    }

    [Fact]
    public void Nothing_of_it_is_published()
    {
        string[] shipped = ["Spectre.Console", "System.CommandLine"];
        var references = XDocument.Load(Path.Combine(Repository.Root, "bench", "EscNative.Bench.csproj")).Descendants("PackageReference").ToArray();
        Assert.Contains(references, reference => (string?)reference.Attribute("Include") == "BenchmarkDotNet");
        Assert.All(references, reference => Assert.Equal(!shipped.Contains((string)reference.Attribute("Include")!), (string?)reference.Attribute("Publish") == "false"));
    }

    [Fact]
    public void Benchmarks_that_need_more_than_a_dry_run_set_up_and_clean_up()
    {
        foreach (var layer in ConvolutionBenchmarks.Layers)
        {
            var suite = new ConvolutionBenchmarks { Layer = layer, Batch = 1 };
            suite.Setup();
            suite.Direct();
            suite.Cleanup();
        }

        foreach (var layer in WinogradBenchmarks.Layers)
        {
            var suite = new WinogradBenchmarks { Layer = layer, Batch = 1 };
            suite.Setup();
            suite.F2x2();
            suite.F4x4();
            suite.Cleanup();
        }

        var inference = new InferenceBenchmarks { Batch = 1 };
        inference.Setup();
        inference.Plan();
        inference.Eager();
        inference.Cleanup();
        Assert.Equal(7, ConvolutionBenchmarks.Layers.Count());
        Assert.Equal(3, WinogradBenchmarks.Layers.Count());
        var solve = new SolveBenchmarks { Width = 96 };
        solve.Setup();
        Assert.All(new[] { solve.Gram64(), solve.AllEigenpairs(), solve.LeadingEigenpairs() }, Assert.NotNull);
    }
}
