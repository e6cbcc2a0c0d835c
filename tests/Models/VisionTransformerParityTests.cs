using System.Text.Json;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Models;

/// <summary>Logits, loss and all parameter gradients of vision transformers against PyTorch 2.6 in float64 (record_vit.py).</summary>
/// <remarks>
/// A value of float32 that goes through b blocks of sums of k terms is known to about b √k 2^-24 of its size: 12 x √3072 x 2^-24 = 4e-5 for the
/// widest network. The way back doubles the length of the way.
/// </remarks>
public sealed class VisionTransformerParityTests
{
    private const double Forward = 4e-5;
    private const double Backward = 8e-5;

    private static readonly JsonDocument Recorded =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "Models", "data", "vit.json")));

    // On the emulated device the small one alone is paid for.
    public static TheoryData<string> Networks =>
        TestDevices.Current.IsHost ? [SmallVit.Name, "vit-ti16", "vit-s16", "vit-b16"] : [SmallVit.Name];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Logits_loss_and_gradients_are_PyTorchs(string name)
    {
        var record = Recorded.RootElement.EnumerateArray().Single(r => r.GetProperty("name").GetString() == name);
        var (size, images) = (record.GetProperty("size").GetInt32(), record.GetProperty("images").GetInt32());
        using var model = Architectures.Create(SmallVit.Description(size, name, classes: 10), device: TestDevices.Current);
        var architecture = Architectures.Get(name);
        var streams = model.NamedParameters.Select(p => (Name: architecture.PyTorchName(p.Name), p.Parameter)).OrderBy(p => p.Name, StringComparer.Ordinal).ToArray();
        using var scope = Tensor.Scope();
        for (var i = 0; i < streams.Length; i++)
        {
            using var inner = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            var value = streams[i].Parameter.Value;
            var shape = ToPyTorch(value).Shape;
            value.Assign(FromPyTorch(Tensor.From(PlaceValues.Parameter(streams[i].Name, shape.ToArray(), i), shape, TestDevices.Current)));
        }

        var pixels = Array.ConvertAll(PlaceValues.Uniform(images * 3 * size * size, 1000), u => (float)(4 * u));
        var x = Tensor.From(pixels, (images, 3, size, size), TestDevices.Current).Permute(0, 2, 3, 1).Contiguous();
        var logits = model.Forward(x);
        var wanted = record.GetProperty("logits").EnumerateArray().Select(v => v.GetDouble()).ToArray();
        var got = logits.ToArray();
        var largest = wanted.Max(Math.Abs);
        Assert.All(wanted.Zip(got), pair => Assert.InRange(pair.Second, pair.First - (Forward * largest), pair.First + (Forward * largest)));

        var loss = Loss.CrossEntropy(logits, Tensor.From([.. Enumerable.Range(0, images).Select(i => 7 * i % 10)], images, TestDevices.Current));
        Assert.InRange(loss.Item(), record.GetProperty("loss").GetDouble() * (1 - Forward), record.GetProperty("loss").GetDouble() * (1 + Forward));

        using var gradients = loss.Backward();
        var digests = record.GetProperty("gradients");
        Assert.Equal(streams.Length, digests.EnumerateObject().Count());
        for (var i = 0; i < streams.Length; i++)
        {
            var g = ToPyTorch(gradients[streams[i].Parameter]).Contiguous().ToArray();
            var along = PlaceValues.Uniform(g.Length, 2000 + i);
            var digest = digests.GetProperty(streams[i].Name);
            var norm = digest[0].GetDouble();
            // The direction is about √(n / 12) long; an error of the gradient is seen in full or in part, never larger.
            var length = Math.Sqrt(along.Sum(a => a * a));
            Assert.True(Math.Abs(Math.Sqrt(g.Sum(v => (double)v * v)) - norm) <= Backward * norm, $"{streams[i].Name}: norm");
            var product = g.Zip(along, (v, a) => v * a).Sum();
            Assert.True(
                Math.Abs(product - digest[1].GetDouble()) <= Backward * norm * length,
                $"{streams[i].Name}: {product} along the direction, PyTorch has {digest[1].GetDouble()}; the norm is {norm}, the direction's {length}");
        }

        // The plan gives what the layers give.
        model.Training = false;
        using var plan = CompiledExtractor.Compile(model, size, size);
        var (features, scores) = (new float[images * model.FeatureWidth], new float[got.Length]);
        plan.Run(x.ToArray(), features, scores);
        Assert.All(wanted.Zip(scores), pair => Assert.InRange(pair.Second, pair.First - (Forward * largest), pair.First + (Forward * largest)));
    }

    private static Tensor ToPyTorch(Tensor weight) => weight.Shape.Rank == 4 ? weight.Permute(0, 3, 1, 2) : weight;

    private static Tensor FromPyTorch(Tensor weight) => weight.Shape.Rank == 4 ? weight.Permute(0, 2, 3, 1) : weight;
}
