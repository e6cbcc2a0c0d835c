using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Bench.Verbs;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Cuda;

namespace EscNative.Tests.Bench;

/// <summary>The tool's caches: where they lie, what is told where there is none, and what an entry stands for.</summary>
public sealed class CacheFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("relative", "", "HOME is not set")]
    [InlineData("", "/nonexistent/of/escnative", "HOME (/nonexistent/of/escnative) does not exist")]
    public void Without_a_home_nothing_is_kept_and_doctor_says_so(string xdg, string home, string reason)
    {
        var work = Directory.CreateDirectory(_folder["work"]).FullName;
        var cuda = Emulator();
        var environment = new Dictionary<string, string> { ["ESC_CUDA_PATH"] = cuda, ["XDG_CACHE_HOME"] = xdg, ["HOME"] = home };
        var outcome = ToolProcess.RunIn(work, environment, "doctor", "--device", "cuda", "--json", _folder["doctor.json"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var findings = ResultJson.Parse(File.ReadAllText(_folder["doctor.json"])).Findings!;
        foreach (var subject in (string[])["cache", "kernel cache"])
        {
            var finding = findings.Single(f => f.Subject == subject);
            Assert.False(finding.Ok);
            Assert.Contains(reason, finding.Found, StringComparison.Ordinal);
        }

        Assert.Contains($"compiled kernels are not kept: {reason}", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(["doctor.json"], _folder.Files());
        Assert.Empty(Directory.GetDirectories(work));
    }

    [Fact]
    public void Both_caches_lie_in_one_folder_and_no_remark_is_made()
    {
        var environment = new Dictionary<string, string> { ["ESC_CUDA_PATH"] = Emulator(), ["XDG_CACHE_HOME"] = _folder["xdg"] };
        var outcome = ToolProcess.RunIn(_folder.Path, environment, "doctor", "--device", "cuda", "--json", _folder["doctor.json"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var findings = ResultJson.Parse(File.ReadAllText(_folder["doctor.json"])).Findings!;
        Assert.Equal(_folder["xdg/escnative/models"], findings.Single(f => f.Subject == "cache").Found);
        Assert.Equal(_folder["xdg/escnative/cubin"], findings.Single(f => f.Subject == "kernel cache").Found);
        Assert.DoesNotContain("kept", outcome.Error, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(_folder["xdg/escnative/cubin"]));
    }

    [Fact]
    public void A_kernel_cache_that_cannot_be_written_is_told()
    {
        File.WriteAllText(_folder["file"], "");
        var environment = new Dictionary<string, string> { ["ESC_CUDA_PATH"] = Emulator(), ["ESC_CUDA_CACHE"] = _folder["file/cubin"] };
        var outcome = ToolProcess.RunIn(_folder.Path, environment, "doctor", "--device", "cuda");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Contains($"compiled kernels are not kept: {_folder["file/cubin"]}", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_is_kept_for_its_recipe_and_its_device()
    {
        using var faulty = FaultDevice.OrSkip();
        var recipe = SmallModel.Recipe(42);
        string[] keys =
        [
            SmallModel.Key(recipe, Device.Cpu), SmallModel.Key(recipe, faulty.Device), SmallModel.Key(recipe with { Seed = 43 }, Device.Cpu),
            SmallModel.Key(recipe with { Epochs = 9 }, Device.Cpu), SmallModel.Key(recipe with { StopAfter = 9 }, Device.Cpu),
            SmallModel.Key(recipe with { BatchSize = 51 }, Device.Cpu), SmallModel.Key(recipe with { LearningRate = 0.051 }, Device.Cpu),
            SmallModel.Key(recipe with { Momentum = 0.91 }, Device.Cpu), SmallModel.Key(recipe with { MomentumSwing = 0.051 }, Device.Cpu),
            SmallModel.Key(recipe with { WeightDecay = 1e-4 }, Device.Cpu), SmallModel.Key(recipe with { Flip = !recipe.Flip }, Device.Cpu),
            SmallModel.Key(recipe with { CropPadding = 3 }, Device.Cpu), SmallModel.Key(recipe with { ResizedCrop = new RandomResizedCrop() }, Device.Cpu),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        // A value of the recipe that the key forgets, or that was added since.
        string[] known =
        [
            nameof(TrainOptions.Epochs), nameof(TrainOptions.StopAfter), nameof(TrainOptions.BatchSize), nameof(TrainOptions.LearningRate),
            nameof(TrainOptions.Momentum), nameof(TrainOptions.MomentumSwing), nameof(TrainOptions.WeightDecay), nameof(TrainOptions.Flip),
            nameof(TrainOptions.CropPadding), nameof(TrainOptions.ResizedCrop), nameof(TrainOptions.Seed),
            // How a run goes on, not what it gives.
            nameof(TrainOptions.CheckpointPath), nameof(TrainOptions.Resume),
        ];
        Assert.Equal(known.Order(), typeof(TrainOptions).GetProperties().Select(property => property.Name).Order());
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("changed")]
    [InlineData("empty")]
    [InlineData("dangling")]
    public void A_model_that_is_damaged_is_named_and_made_anew(string fault)
    {
        var cache = new ModelCache(_folder["cache"]);
        var path = cache.Keep("key", file => File.WriteAllText(file, "a model"));
        switch (fault)
        {
            case "cut":
                File.WriteAllText(path, "a mod");
                break;
            case "changed":
                File.WriteAllText(path, "a modem");
                break;
            case "empty":
                File.WriteAllText(path, "");
                break;
            default:
                File.Delete(path);
                File.CreateSymbolicLink(path, _folder["nowhere"]);
                break;
        }

        Assert.False(cache.Take("key", _folder["copy"], out var damaged));
        Assert.Equal(path, damaged);
        Assert.Equal(path, cache.Keep("key", file => File.WriteAllText(file, "a model")));
        Assert.True(cache.Take("key", _folder["copy"], out _));
        Assert.Equal("a model", File.ReadAllText(_folder["copy"]));
        Assert.Single(Directory.GetFiles(_folder["cache"]));
    }

    [Fact]
    public async Task Processes_that_keep_and_take_one_entry_at_once_get_it_whole()
    {
        var cache = new ModelCache(_folder["cache"]);
        cache.Keep("key", file => File.WriteAllText(file, new string('0', 3000)));
        var writers = Enumerable.Range(1, 3).Select(writer => Task.Run(() =>
        {
            var own = new ModelCache(_folder["cache"]);
            for (var i = 0; i < 60; i++)
                own.Keep("key", file => File.WriteAllText(file, new string((char)('0' + ((writer + i) % 10)), 3000)));
        })).ToArray();
        var taken = 0;
        do
        {
            // Between two of its writers an entry may be gone for a moment; what is taken is whole.
            if (!cache.Take("key", _folder["copy"], out _))
                continue;
            taken++;
            var text = await File.ReadAllTextAsync(_folder["copy"], TestContext.Current.CancellationToken);
            Assert.Equal(new string(text[0], 3000), text);
        }
        while (!writers.All(writer => writer.IsCompleted));
        await Task.WhenAll(writers);
        Assert.True(cache.Take("key", _folder["copy"], out _));
        Assert.True(taken > 0);
        Assert.DoesNotContain(Directory.GetFiles(_folder["cache"]), file => file.EndsWith(".partial", StringComparison.Ordinal));
    }

    private static string Emulator()
    {
        using (FaultDevice.OrSkip())
            return Environment.GetEnvironmentVariable("ESC_CUDA_PATH")!;
    }
}
