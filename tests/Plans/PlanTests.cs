using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Tests.Cuda;
using EscNative.Tests.Engine;
using EscNative.Tests.Models;

namespace EscNative.Tests.Plans;

public sealed class PlanTests
{
    [Fact]
    public void All_cnn_becomes_eight_convolutions_and_a_mean_and_costs_what_the_paper_s_network_costs()
    {
        using var model = Model();
        using var extractor = CompiledExtractor.Compile(model, 32, 32);
        var steps = extractor.Plan.Steps;
        Assert.Equal(10, steps.Count);
        Assert.Equal(
            ["features.0.0", "features.1.0", "features.2.0", "features.4.0", "features.5.0", "features.6.0", "features.8.0", "features.9.0", "features.10", "head.0"],
            steps.Select(s => s.Name));
        Assert.All(steps.Take(8), s => Assert.StartsWith("conv", s.Kind, StringComparison.Ordinal));
        Assert.All(steps.Take(8), s => Assert.EndsWith("+ relu", s.Kind, StringComparison.Ordinal));
        Assert.Equal("conv 3x3 stride 2 + relu", steps[2].Kind);
        Assert.Equal("average pool 8x8", steps[8].Kind);
        // 2 x taps x outputs, a ReLU an output, the mean, and the head.
        double[] outputs = [32 * 32 * 48, 32 * 32 * 48, 16 * 16 * 96, 16 * 16 * 96, 16 * 16 * 96, 8 * 8 * 96, 8 * 8 * 96, 8 * 8 * 96];
        double[] taps = [27, 432, 432, 864, 864, 864, 864, 96];
        Assert.Equal(outputs.Zip(taps, (o, t) => o * ((2 * t) + 1)).Sum() + (64 * 96) + (2 * 96 * 10), steps.Sum(s => s.Flops));
        Assert.Equal(4 * (3072 + outputs[0]), steps[0].Bytes);
        Assert.Equal(4 * ((27 * 48) + 48), steps[0].WeightBytes);
        Assert.Equal(new Shape(16, 16, 96), steps[2].Output);
    }

    [Fact]
    public void A_residual_block_is_fused_into_its_last_convolution()
    {
        var random = new RandomSource(1);
        Sequential Block(int from, int to, int stride) => new(
            new Residual(
                new Sequential(
                    new Conv2d(from, to, 3, random, stride, 1, bias: false), new BatchNorm2d(to), new Relu(),
                    new Conv2d(to, to, 3, random, 1, 1, bias: false), new BatchNorm2d(to)),
                stride == 1 ? null : new Sequential(new Conv2d(from, to, 1, random, stride, bias: false), new BatchNorm2d(to))),
            new Relu());
        using var net = new Sequential(Block(8, 8, 1), Block(8, 16, 2));
        using var plan = InferencePlan.Compile(net, (12, 12, 8));
        Assert.Equal(
            ["conv 3x3 + relu", "conv 3x3 + add + relu", "conv 3x3 stride 2 + relu", "conv 1x1 stride 2", "conv 3x3 + add + relu"],
            plan.Steps.Select(s => s.Kind));
    }

    [Fact]
    public void A_module_may_stand_in_a_network_twice()
    {
        var random = new RandomSource(1);
        var relu = new Relu();
        using var net = new Sequential(new Linear(4, 3, random), relu, new Linear(3, 2, random), relu);
        using var plan = InferencePlan.Compile(net, 4);
        Assert.Equal(["0", "2"], plan.Steps.Select(s => s.Name));
        Assert.All(plan.Steps, s => Assert.Equal("linear + relu", s.Kind));
    }

    [Fact]
    public void What_cannot_be_fused_stays_a_step_of_its_own()
    {
        var random = new RandomSource(1);
        // The convolution's result is read twice: by the norm and around it.
        var conv = new Conv2d(3, 3, 1, random);
        using var net = new Sequential(conv, new Residual(new BatchNorm2d(3)), new Relu(), new BatchNorm2d(3));
        using var plan = InferencePlan.Compile(net, (4, 4, 3));
        Assert.Equal(["conv 1x1", "affine + add + relu", "affine"], plan.Steps.Select(s => s.Kind));
    }

    [Fact]
    public void Dropout_and_what_no_output_needs_cost_nothing()
    {
        var random = new RandomSource(1);
        using var net = new Sequential(new Dropout(0.5, random), new Linear(4, 3, random));
        var builder = new PlanBuilder(net, 4);
        var y = net.Lower(builder, builder.Input);
        _ = builder.Unary(UnaryOp.Exp, y);
        using var plan = builder.Compile(TestDevices.Current, null, y);
        Assert.Equal("linear", Assert.Single(plan.Steps).Kind);
    }

    [Fact]
    public void The_network_of_the_plan_s_input_alone_gives_the_input_back()
    {
        using var net = new Sequential();
        using var plan = InferencePlan.Compile(net, (2, 3, 1));
        float[] x = [.. Enumerable.Range(0, 12).Select(i => (float)i)];
        var y = new float[12];
        plan.Run(x, y);
        Assert.Equal(x, y);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(40)]
    public void Features_and_scores_of_an_erased_model_are_those_of_the_model(int n)
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var d = model.FeatureWidth;
        // One of each kind, one after another.
        var random = new Random(5);
        double[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
        model.Erase(new ErasureOperator(
            d, ErasureFactor.Projection(Unit(Draw(d)), d), ErasureFactor.Oblique(Draw(2 * d), Draw(2 * d), d, Draw(d)), ErasureFactor.Masked(Draw(5 * d), d)));
        var set = SmallImages.Set(n, 4);
        float[] wantedFeatures, wantedScores;
        using (Tensor.Scope())
        using (Tensor.NoGrad())
        {
            var table = model.Description.Normalisation.Table(3);
            var pixels = Enumerable.Range(0, n).SelectMany(i => set.Pixels(i).ToArray()).Select((b, i) => table[((i % 3) << 8) + b]).ToArray();
            var z = model.Features(Tensor.From(pixels, (n, 32, 32, 3)));
            (wantedFeatures, wantedScores) = (z.ToArray(), model.Head.Forward(z).ToArray());
        }

        using var extractor = CompiledExtractor.Compile(model, 32, 32);
        var (features, scores, again) = (new float[n * d], new float[n * model.Classes], new float[n * d]);
        extractor.Run(SmallImages.Bytes(set, 0, n), features, scores);
        extractor.Features(SmallImages.Bytes(set, 0, n), again);
        Assert.Equal(features, again);
        AssertClose(wantedFeatures, features);
        AssertClose(wantedScores, scores);

        // Sums of up to 864 terms in eight layers: 8 x 8 x 29 x 2^-24 of the largest value, see RandomNetwork.Tolerance.
        static void AssertClose(float[] wanted, float[] got)
        {
            var largest = wanted.Max(Math.Abs);
            for (var i = 0; i < wanted.Length; i++)
                Assert.InRange(got[i], wanted[i] - (1e-4 * largest), wanted[i] + (1e-4 * largest));
        }

        static double[] Unit(double[] v)
        {
            var norm = Math.Sqrt(v.Sum(x => x * x));
            return Array.ConvertAll(v, x => x / norm);
        }
    }

    [Fact]
    public void A_plan_is_a_copy_the_model_may_change()
    {
        using var model = SmallImages.Model();
        using var extractor = CompiledExtractor.Compile(model, 32, 32);
        var set = SmallImages.Set(3, 4);
        var before = new float[3 * model.FeatureWidth];
        extractor.Features(SmallImages.Bytes(set, 0, 3), before);
        model.Erase(new ErasureOperator(model.FeatureWidth, ErasureFactor.Projection([1, .. new double[model.FeatureWidth - 1]], model.FeatureWidth)));
        var after = new float[before.Length];
        extractor.Features(SmallImages.Bytes(set, 0, 3), after);
        Assert.Equal(before, after);
    }

    [Fact]
    public void Eight_callers_at_once_get_the_bits_that_one_gets()
    {
        using var model = SmallImages.Model();
        using var extractor = CompiledExtractor.Compile(model, 32, 32);
        var set = SmallImages.Set(64, 9);
        var wanted = new float[64 * extractor.FeatureWidth];
        extractor.Features(SmallImages.Bytes(set, 0, 64), wanted);
        // The emulated device takes half a second a run, and one after another.
        var rounds = model.Device.Name == "cpu" || EmulatedMachine.UsesGpu ? 20 : 2;
        var failures = 0;
        var callers = Enumerable.Range(0, 8).Select(caller => new Thread(() =>
        {
            // Every caller another slice, and the same again and again.
            var (first, count) = (caller * 5, 64 - (caller * 6));
            count = Math.Min(count, 64 - first);
            var got = new float[count * extractor.FeatureWidth];
            for (var round = 0; round < rounds; round++)
            {
                Array.Fill(got, float.NaN);
                extractor.Features(SmallImages.Bytes(set, first, count), got);
                if (!MemoryMarshal.AsBytes<float>(got).SequenceEqual(MemoryMarshal.AsBytes(wanted.AsSpan(first * extractor.FeatureWidth, got.Length))))
                    Interlocked.Increment(ref failures);
            }
        })).ToArray();
        Array.ForEach(callers, c => c.Start());
        Array.ForEach(callers, c => c.Join());
        Assert.Equal(0, failures);
    }

    [Fact]
    public void Bytes_are_the_floats_that_the_normalisation_makes_of_them()
    {
        using var model = SmallImages.Model();
        using var extractor = CompiledExtractor.Compile(model, 32, 32);
        var set = SmallImages.Set(5, 6);
        var bytes = Enumerable.Range(0, 5).SelectMany(i => set.Pixels(i).ToArray()).ToArray();
        var table = model.Description.Normalisation.Table(3);
        var floats = bytes.Select((b, i) => table[((i % 3) << 8) + b]).ToArray();
        var (fromBytes, fromFloats) = (new float[5 * extractor.FeatureWidth], new float[5 * extractor.FeatureWidth]);
        extractor.Features(bytes, fromBytes);
        extractor.Features(floats, fromFloats);
        Assert.Equal(fromFloats, fromBytes);
    }

    [Fact]
    public void The_profile_has_a_time_for_each_step_and_the_result_of_a_run()
    {
        using var model = SmallImages.Model();
        using var plan = InferencePlan.Compile(model, (32, 32, 3));
        var x = new float[2 * 3072];
        Array.Fill(x, 0.5f);
        var (wanted, got, seconds) = (new float[2 * model.Classes], new float[2 * model.Classes], new double[plan.Steps.Count]);
        plan.Run(x, wanted);
        plan.Profile(x, got, seconds);
        Assert.Equal(wanted, got);
        Assert.All(seconds, s => Assert.InRange(s, 1e-9, 60));
        Assert.Throws<ShapeException>(() => plan.Profile(x, got, new double[1]));
    }

    [Fact]
    public void Bad_calls_say_what_is_wrong()
    {
        var random = new RandomSource(1);
        using var net = new Sequential(new Conv2d(3, 4, 3, random));
        using var opaque = new Opaque();
        Assert.Contains("Opaque", Assert.Throws<UsageException>(() => InferencePlan.Compile(opaque, 3)).Message, StringComparison.Ordinal);
        Assert.Contains("[5, 5, 4]", Assert.Throws<ShapeException>(() => InferencePlan.Compile(net, (5, 5, 4))).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => InferencePlan.Compile(net, (2, 2, 3)));
        Assert.Throws<ShapeException>(() => InferencePlan.Compile(net, (0, 5, 3)));
        Assert.Throws<ShapeException>(() => InferencePlan.Compile(net, (1, 5, 5, 3)));
        Assert.Throws<UsageException>(() => InferencePlan.Compile(net, (5, 5, 3), options: new PlanOptions { ImagesPerChunk = -1 }));
        Assert.Throws<ShapeException>(() => InferencePlan.Compile(net, (5, 5, 3), options: new PlanOptions { ByteTable = new float[256] }));

        using var plan = InferencePlan.Compile(net, (5, 5, 3));
        var y = new float[36];
        Assert.Contains("[5, 5, 3]", Assert.Throws<ShapeException>(() => plan.Run(new float[76], y)).Message, StringComparison.Ordinal);
        Assert.Contains("36 values", Assert.Throws<ShapeException>(() => plan.Run(new float[150], y)).Message, StringComparison.Ordinal);
        Assert.Contains("byte table", Assert.Throws<UsageException>(() => plan.Run(new byte[75], y)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => plan.Run(new float[75], y, y));
        plan.Run(ReadOnlySpan<float>.Empty, []);

        var builder = new PlanBuilder(net, (5, 5, 3));
        var other = new PlanBuilder(net, (5, 5, 3));
        Assert.Throws<UsageException>(() => builder.Unary(UnaryOp.Exp, other.Input));
        Assert.Throws<UsageException>(() => builder.Compile(TestDevices.Current, null));
        Assert.Throws<ShapeException>(() => builder.Add(builder.Input, builder.GlobalAveragePool2d(builder.Input)));

        plan.Dispose();
        Assert.Throws<ObjectDisposedException>(() => plan.Run(new float[75], y));
        plan.Dispose();
    }

    private static Classifier Model() => Architectures.Create(
        new ModelDescription
        {
            Hyperparameters = new AllCnnHyperparameters(0.5),
            Channels = 3,
            ClassNames = [.. Enumerable.Range(0, 10).Select(i => $"class {i}")],
            Normalisation = EscNative.Models.Data.Normalisation.Half,
        },
        seed: 1);
}
