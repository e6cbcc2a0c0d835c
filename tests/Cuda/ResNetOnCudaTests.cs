using EscNative.Engine;
using EscNative.Models;
using EscNative.Tests.Models;

namespace EscNative.Tests.Cuda;

/// <summary>Residual networks on the device: what the plan and a training step give on the CPU.</summary>
public sealed class ResNetOnCudaTests
{
    public static TheoryData<string> Networks => [.. TinyResNets.Names];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Scores_and_gradients_are_those_of_the_CPU(string name)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        const int n = 3;
        // Batch normalisation over three values, as the last stage would have of smaller images, makes gradients of rounding errors.
        var size = name.Contains("imagenet", StringComparison.Ordinal) ? 65 : 17;
        var images = FormulaValues.Units("images", n * size * size * 3);
        using var onCpu = TinyResNets.Model(name, Device.Cpu);
        using var onCuda = TinyResNets.Model(name, Device.Cuda());
        var (wanted, got) = (Scores(onCpu), Scores(onCuda));
        AssertClose(wanted, got, 1e-5, "scores");
        var (wantedGradients, gotGradients) = (Gradients(onCpu), Gradients(onCuda));
        foreach (var (key, values) in wantedGradients)
            AssertClose(values, gotGradients[key], 2e-3, key);

        float[] Scores(Classifier model)
        {
            using var extractor = CompiledExtractor.Compile(model, size, size);
            var scores = new float[n * model.Classes];
            extractor.Run(images, new float[n * model.FeatureWidth], scores);
            return scores;
        }

        Dictionary<string, float[]> Gradients(Classifier model)
        {
            model.Training = true;
            using var scope = Tensor.Scope();
            var x = Tensor.From(images, (n, size, size, 3), model.Device);
            using var gradients = Loss.CrossEntropy(model.Forward(x), Tensor.From([0, 3, 1], n, model.Device)).Backward();
            return model.NamedParameters.ToDictionary(p => p.Name, p => gradients[p.Parameter].ToArray());
        }
    }

    // Relative to the largest value: float32 sums in another order.
    private static void AssertClose(float[] wanted, float[] got, double tolerance, string what)
    {
        var largest = wanted.Max(Math.Abs);
        Assert.True(largest > 0, what);
        for (var i = 0; i < wanted.Length; i++)
            Assert.True(Math.Abs(wanted[i] - got[i]) <= tolerance * largest, $"{what}, value {i}: {got[i]:R}, the CPU has {wanted[i]:R} (largest {largest:R})");
    }
}
