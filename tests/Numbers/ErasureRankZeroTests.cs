using EscNative.Engine;
using EscNative.Engine.Plans;
using EscNative.Models;
using EscNative.Models.Erasure;

namespace EscNative.Tests.Numbers;

/// <summary>Factors that remove no direction: a LEACE that found no concept moves features by its offset alone, or by nothing.</summary>
public sealed class ErasureRankZeroTests
{
    private const int Width = 5;

    public static TheoryData<string> Devices => NumberDevices.Both;

    private static IEnumerable<(string Name, ErasureFactor Factor)> Factors()
    {
        double[] offset = [1, -2, 0.5, 0, 4];
        yield return ("oblique with an offset", ErasureFactor.Oblique([], [], Width, offset));
        yield return ("oblique without", ErasureFactor.Oblique([], [], Width));
        yield return ("projection", ErasureFactor.Projection([], Width));
        yield return ("masked", ErasureFactor.Masked([], Width));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void They_run_compile_and_compose(string name)
    {
        var device = NumberDevices.Get(name);
        var basis = new double[Width];
        basis[2] = 1;
        foreach (var (factorName, factor) in Factors())
        {
            foreach (var erasure in (ErasureOperator[])
                [new(Width, factor), new ErasureOperator(Width, factor).Then(new(Width, ErasureFactor.Projection(basis, Width))), new(Width, ErasureFactor.Projection(basis, Width), factor)])
            {
                using var scope = Tensor.Scope();
                float[] z = [1, 2, 3, 4, 5, -1, 0, 2, 0.5f, 7];
                var wanted = Array.ConvertAll(z, v => (double)v);
                erasure.Apply(wanted);
                using var layer = new ErasureLayer(erasure, device);
                Assert.Equal(wanted, layer.Forward(Tensor.From(z, (2, Width), device)).Wide());
                using var plan = InferencePlan.Compile(layer, Width, device);
                var y = new float[z.Length];
                plan.Run(z, y);
                Assert.True(wanted.SequenceEqual(Array.ConvertAll(y, v => (double)v)), factorName);

                // Folded into a head, and as a matrix.
                double[] weight = [.. Enumerable.Range(0, 2 * Width).Select(i => i - 3.5)];
                var (folded, bias) = erasure.FoldInto(weight, []);
                for (var row = 0; row < 2; row++)
                {
                    for (var c = 0; c < 2; c++)
                    {
                        double onErased = 0, onRaw = bias[c];
                        for (var i = 0; i < Width; i++)
                        {
                            onErased += weight[(c * Width) + i] * wanted[(row * Width) + i];
                            onRaw += folded[(c * Width) + i] * z[(row * Width) + i];
                        }

                        Assert.Equal(onErased, onRaw, 1e-12);
                    }
                }

                Assert.Equal(Width * Width, erasure.ToDense().Length);
            }
        }
    }

    [Fact]
    public void They_are_saved_and_loaded()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, factor) in Factors())
        {
            using var model = Architectures.Create(new ModelDescription
            {
                Hyperparameters = new AllCnnHyperparameters(0.1),
                Channels = 3,
                ClassNames = ["a", "b", "c"],
                Normalisation = EscNative.Models.Data.Normalisation.Half,
            });
            var width = model.FeatureWidth;
            double[] offset = [.. Enumerable.Range(0, width).Select(i => (double)i)];
            var resized = factor.Kind switch
            {
                ErasureKind.Oblique => ErasureFactor.Oblique([], [], width, factor.Offset.IsEmpty ? null : offset),
                ErasureKind.Projection => ErasureFactor.Projection([], width),
                _ => ErasureFactor.Masked([], width),
            };
            model.Erase(new ErasureOperator(width, resized));
            var path = folder[name.Replace(' ', '-') + ".safetensors"];
            ModelFile.Save(model, path);
            using var loaded = ModelFile.Load(path);
            var got = Assert.Single(loaded.Erasure!.Factors);
            Assert.Equal((resized.Kind, 0, resized.Offset.Length), (got.Kind, got.Rank, got.Offset.Length));
            using var extractor = CompiledExtractor.Compile(loaded, 32, 32);
        }
    }
}
