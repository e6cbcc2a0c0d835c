using System.Runtime.InteropServices;
using EscNative.Bench.Peers;
using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Images;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Masks;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Bench;

/// <summary>What the workloads send to peers, and what they accept as the same result.</summary>
public sealed class WorkloadTests : IDisposable
{
    private const int Batch = 6;

    private readonly SmallFiles _files = new();
    private readonly Classifier _model;
    private readonly ForgetSplit _split;
    private readonly ComparedModel _subject;

    public WorkloadTests()
    {
        _model = ModelFile.Load(_files.Model);
        var data = EmbeddedData.Open().Fit(AllCnn.ImageSize, AllCnn.ImageSize, 3);
        _split = ForgetSplit.Create(data, ForgetRequest.ForClasses(4));
        _subject = new ComparedModel(_model, _split);
    }

    public void Dispose()
    {
        _subject.Dispose();
        _model.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void Forward_sends_images_and_model_from_which_the_same_scores_come()
    {
        using var work = new ForwardWorkload(_subject, Batch, 1);
        Assert.All(work.Own, side => Assert.True(side.Measure(0) > 0));
        using var model = Received(work);
        using var x = Images(work);
        using var noGrad = Tensor.NoGrad();
        using var y = model.Forward(x);
        var scores = y.ToArray();
        // The last side that was measured is the eager one.
        Assert.True(work.Compare("any", scores) is { Holds: true, Difference: 0 });
        Assert.True(work.Own[0].Measure(0) > 0);
        Assert.True(work.Compare("any", scores).Holds);
        scores[^1] += 1e-3f * scores.Max(Math.Abs);
        Assert.False(work.Compare("any", scores).Holds);
    }

    [Fact]
    public void Forward_tells_the_time_of_every_step_of_the_plan()
    {
        using var work = new ForwardWorkload(_subject, Batch, 1);
        Assert.Equal(["plan", "plan without Winograd", "eager"], work.Own.Select(side => side.Variant));
        var steps = work.Profile(0);
        Assert.Equal(100, steps.Sum(step => step.SharePercent), 1e-6);
        Assert.Equal(8, steps.Count(step => step is { Milliseconds: > 0, Gflops: > 0 } && step.Kind.StartsWith("conv", StringComparison.Ordinal)));
    }

    [Fact]
    public void Train_compares_the_losses_of_the_first_steps_of_the_request()
    {
        using var work = new TrainWorkload(_subject, Batch, 1);
        Assert.True(work.Own[0].Measure(0) > 0);
        var request = work.Request;
        using var model = Received(work);
        model.Training = true;
        using var x = Images(work);
        using var y = Tensor.From(request["labels"]!.AsArray().Select(label => label!.GetValue<int>()).ToArray(), Batch);
        using var sgd = new Sgd(model.Parameters, Number("rate"), Number("momentum"), Number("decay"));
        var losses = new float[request["steps"]!.GetValue<int>()];
        for (var step = 0; step < losses.Length; step++)
        {
            using var scope = Tensor.Scope();
            var loss = Loss.CrossEntropy(model.Forward(x), y);
            using var gradients = loss.Backward();
            sgd.Step(gradients);
            losses[step] = (float)loss.Item();
        }

        Assert.True(losses[0] > losses[^1], string.Join(", ", losses));
        Assert.True(work.Compare("any", losses) is { Holds: true, Difference: 0 });
        Assert.False(work.Compare("any", [losses[0], losses[1], losses[1]]).Holds);

        double Number(string name) => request[name]!.GetValue<double>();
    }

    [Fact]
    public void Esc_compares_projectors_whatever_the_sign_of_a_direction()
    {
        using var work = new EscWorkload(_subject, new UnlearningOptions { Directions = 1 }, 1);
        Assert.True(work.Own[0].Measure(0) > 0);
        Assert.Equal(["forget", "model"], work.Blobs.Select(blob => blob.Name).Order());
        Assert.Equal(_split.Forget.Count * _split.Forget.ImageSize, Blob(work, "forget").Length);
        Assert.Equal(1, work.Request["k"]!.GetValue<int>());
        Assert.Equal(1500, work.Request["trainImages"]!.GetValue<int>());

        var paper = Direction(UnlearningMode.Paper);
        Assert.True(work.Compare("optimised", paper).Holds);
        Assert.True(work.Compare("optimised", [.. paper.Select(u => -u)]).Holds);
        Assert.False(work.Compare("optimised", [1, .. new float[paper.Length - 1]]).Holds);
        // The released code collects its features in training mode: another direction.
        var official = Direction(UnlearningMode.Official);
        Assert.True(work.Compare("released", official).Holds);
        Assert.False(work.Compare("released", paper).Holds);
        Assert.False(work.Compare("optimised", official).Holds);
        Assert.Null(_model.Erasure);
    }

    [Fact]
    public void Esc_is_measured_with_one_core_busy_and_with_one_thread_too()
    {
        using var work = new EscWorkload(_subject, new UnlearningOptions { Directions = 1 }, 2);
        Assert.Equal([(2, false), (2, true), (1, false), (1, true)], work.Own.Select(side => (side.Threads, side.BusyCore)));
    }

    [Fact]
    public void Mask_sends_all_that_the_mask_follows_from_and_no_batch_is_without_a_hit()
    {
        const int rows = 150, d = 24;
        using var work = new MaskWorkload(rows, d, 2);
        Assert.Equal("esct-24", work.Name);
        Assert.Equal([2, 1], work.Own.Select(side => side.Threads));
        Assert.True(work.Own[0].Measure(0) > 0);
        Assert.Equal(3, work.Updates);
        var oracle = new MaskOracle(
            Doubles("features"), [.. MemoryMarshal.Cast<byte, int>(Blob(work, "labels"))], Doubles("basis"), Doubles("weight"), new double[work.Request["classes"]!.GetValue<int>()], d);
        Assert.Equal(rows, oracle.CountHits());
        foreach (var batch in MemoryMarshal.Cast<byte, int>(Blob(work, "order")).ToArray().Chunk(work.Request["batch"]!.GetValue<int>()))
            oracle.Step(batch, work.Request["rate"]!.GetValue<float>());
        var mask = Array.ConvertAll(oracle.Mask, m => (float)m);
        Assert.Contains(mask, m => m < 0.999f);
        Assert.True(work.Compare("low rank", mask).Holds);
        mask[^1] += 0.01f;
        Assert.False(work.Compare("low rank", mask).Holds);

        double[] Doubles(string name) => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(Blob(work, name)).ToArray(), v => (double)v);
    }

    [Fact]
    public void Decode_sends_a_photo_whose_pixels_every_side_must_have()
    {
        using var work = new DecodeWorkload("decode-64");
        Assert.Equal((488, "decode", null), (work.Images, work.Operation, work.Architecture));
        Assert.Equal(work.Own.Count, work.Own.Select(side => side.Variant).Distinct().Count());
        Assert.Equal("SkiaSharp", work.Own.First(side => side.Variant.StartsWith("Skia", StringComparison.Ordinal)).Variant);
        Assert.All(work.Own, side => Assert.Equal((1, false), (side.Threads, side.BusyCore)));
        Assert.True(work.Own[0].Measure(0) > 0);
        var photo = new SkiaImageDecoder(JpegLibrary.Skia).Decode(Blob(work, "jpeg"), "photo");
        Assert.Equal((64, 64, 3), (photo.Height, photo.Width, photo.Channels));
        Assert.True(photo.Pixels.ToArray().Distinct().Count() > 100);
        var pixels = Array.ConvertAll(photo.Pixels.ToArray(), value => (float)value);
        Assert.Equal(1, work.Request["stride"]!.GetValue<int>());
        Assert.True(work.Compare("TurboJPEG", pixels).Holds);
        pixels[^1]++;
        Assert.False(work.Compare("TurboJPEG", pixels).Holds);
        Assert.Equal(6, DecodeWorkload.Names.Count());
        // A larger one is compared in part, in every channel.
        using var large = new DecodeWorkload("decode-1600-444");
        var stride = large.Request["stride"]!.GetValue<int>();
        Assert.True(stride > 1 && stride % 3 != 0);
        Assert.Contains("(4:4:4, baseline, quality 85", large.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_is_erased_already_is_refused()
    {
        using var model = _subject.Copy();
        new Esc().Run(new UnlearningContext(model, _split.Forget, new UnlearningOptions { Directions = 1 }));
        Assert.Contains("erased already", Assert.Throws<UsageException>(() => new ComparedModel(model, _split)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_that_is_too_small_for_the_batch_is_refused() =>
        Assert.Contains("a batch takes 501", Assert.Throws<UsageException>(() => _subject.Batch(501)).Message, StringComparison.Ordinal);

    private static byte[] Blob(Workload work, string name) => work.Blobs.Single(blob => blob.Name == name).Data;

    private static Tensor Images(Workload work) =>
        Tensor.From(MemoryMarshal.Cast<byte, float>(Blob(work, "batch")), (Batch, AllCnn.ImageSize, AllCnn.ImageSize, 3));

    private Classifier Received(Workload work)
    {
        var path = _files[$"{work.Name}.safetensors"];
        File.WriteAllBytes(path, Blob(work, "model"));
        return ModelFile.Load(path);
    }

    private float[] Direction(UnlearningMode mode)
    {
        using var model = _subject.Copy();
        var options = new UnlearningOptions { Directions = 1, Mode = mode, OfficialAugmentation = false };
        return Array.ConvertAll(new Esc().Run(new UnlearningContext(model, _split.Forget, options)).Subspace!.Basis, u => (float)u);
    }
}
