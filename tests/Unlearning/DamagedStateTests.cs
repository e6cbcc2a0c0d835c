using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Tests.Formats;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Tests.Unlearning;

/// <summary>What methods and comparisons keep between runs, damaged: it is refused in order, or taken, and nothing else happens.</summary>
public sealed class DamagedStateTests
{
    private const string Key = "0123456789abcdef0123456789abcdef";

    [Theory]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    [InlineData("scrub")]
    [InlineData("esc-t")]
    [InlineData("fisher")]
    public void Damaged_checkpoints_of_methods_are_refused_in_order(string name)
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.checkpoint"];
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method, method.Parameters.Any(p => p.Name == "epochs") ? [("epochs", 2)] : []);
        using (var model = Tiny.Model())
            Tiny.Run(method, model, options, checkpoint: path);
        SafetensorsDamage.Run(name, path, () =>
        {
            using var model = Tiny.Model();
            Tiny.Run(method, model, options, checkpoint: path, resume: true);
        }, least: 60);
    }

    [Theory]
    [InlineData("scrub", "escnative.unlearning.epochs", "1000000", "the run has 2")]
    [InlineData("scrub", "escnative.unlearning.epochs", "-1", "wants a whole number")]
    [InlineData("scrub", "escnative.unlearning.steps", "9223372036854775808", "wants a whole number")]
    [InlineData("fisher", "escnative.curvature.batches", "1000000", "wants whole chunks")]
    [InlineData("esc-t", "escnative.mask.epochs", "2147483648", "wants a whole number")]
    public void Metadata_of_a_checkpoint_that_makes_no_sense_is_named(string name, string key, string value, string reason)
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.checkpoint"];
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method, method.Parameters.Any(p => p.Name == "epochs") ? [("epochs", 2)] : []);
        using var model = Tiny.Model();
        Tiny.Run(method, model, options, checkpoint: path);
        Checkpoints.Change(path, m => m[key] = value);
        using var again = Tiny.Model();
        var before = Tiny.Values(again);
        var failure = Assert.Throws<DataFormatException>(() => Tiny.Run(method, again, options, checkpoint: path, resume: true));
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, Tiny.Values(again));
    }

    [Theory]
    [InlineData("scrub", "counters", "array 'counters' is F32 [1], wants I64 [")]
    [InlineData("scrub", "optimizer.0", "tensor 'optimizer.0' is")]
    [InlineData("fisher", "squares.0", "array 'squares.0' is F32 [1], wants F64 [")]
    [InlineData("esc-t", "mask", "array 'mask' is F32 [1], wants F32 [")]
    public void Arrays_of_another_size_are_named(string name, string array, string reason)
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.checkpoint"];
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method);
        using var model = Tiny.Model();
        Tiny.Run(method, model, options, checkpoint: path);
        Checkpoints.Change(path, _ => { }, arrays => [.. arrays.Where(a => a.Name != array), NamedArray.From(array, [1], [1f])]);
        using var again = Tiny.Model();
        var failure = Assert.Throws<DataFormatException>(() => Tiny.Run(method, again, options, checkpoint: path, resume: true));
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_answers_are_refused_in_order()
    {
        using var folder = new TemporaryFolder();
        var store = new AnswerStore(folder.Path);
        using var model = Tiny.Model();
        var run = new RequestRun
        {
            Request = "class 2",
            Outcome = UnlearningOutcome.Completed,
            Seconds = 1.5,
            Runs = 3,
            Samples = [1.25, 1.5, 2],
            ForwardedImages = 600,
            Steps = 7,
            Parameters = new Dictionary<string, double> { ["epochs"] = 2, ["rate"] = 0.1 },
            Notes = ["one", "two"],
        };
        store.Save("answer", Key, model, run);
        var (live, found) = store.Find("answer", Key, Device.Cpu)!.Value;
        using (live)
            Assert.Equal(Tiny.Values(model), Tiny.Values(live));
        Assert.Equal((run.Seconds, run.Runs, run.ForwardedImages, run.Steps), (found.Seconds, found.Runs, found.ForwardedImages, found.Steps));
        Assert.Equal(run.Samples, found.Samples);
        SafetensorsDamage.Run("answer", store.PathOf("answer")!, () => store.Find("answer", Key, Device.Cpu)?.Model.Dispose());
    }

    [Theory]
    [InlineData("runs", "NaN")]
    [InlineData("runs", "1e12")]
    [InlineData("steps", "-1")]
    [InlineData("samples", "1\u001f-2")]
    [InlineData("forwarded-images", "many")]
    [InlineData("outcome", "7")]
    [InlineData("parameters", "a=1\u001fa=2")]
    [InlineData("parameters", "a")]
    public void A_damaged_answer_is_named(string part, string value)
    {
        using var folder = new TemporaryFolder();
        var store = new AnswerStore(folder.Path);
        using var model = Tiny.Model();
        store.Save("answer", Key, model, new RequestRun { Request = "r", Outcome = UnlearningOutcome.Completed, Seconds = 1, Runs = 1, Steps = 1, Parameters = new Dictionary<string, double> { ["a"] = 1 }, Notes = [] });
        var path = store.PathOf("answer")!;
        SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, ModelFaultTests.Metadata(path, m => m["escnative.note.run." + part] = value), force: true);
        Assert.Contains($"run.{part} is missing or damaged", Assert.Throws<DataFormatException>(() => store.Find("answer", Key, Device.Cpu)).Message, StringComparison.Ordinal);
    }
}
