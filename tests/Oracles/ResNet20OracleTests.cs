using System.Globalization;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Oracles;

/// <summary>A public ResNet-20 of others on the real CIFAR-10: 91.73 % of the test images, by the plan.</summary>
public sealed class ResNet20OracleTests
{
    private const int Images = 1000;

    // Each takes a second or more there: ESC_TEST_IMAGES=64 does all.
    private static readonly int EmulatedImages =
        int.TryParse(Environment.GetEnvironmentVariable("ESC_TEST_IMAGES"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? Math.Clamp(count, 1, 64) : 3;

    [Fact]
    public void Scores_of_the_first_64_test_images_agree_within_1e_4()
    {
        using var model = Model();
        AssertScores(model, 64);
    }

    [Fact]
    public void Each_of_the_first_1000_test_images_gets_the_class_that_the_oracle_gives_it()
    {
        using var model = Model();
        var predicted = File.ReadAllBytes(TestData.Weights("rn20_test10000_pred.u8"));
        var test = DataFolder.Open(TestData.Cifar10Folder).Test;
        Assert.Equal((9173, 10_000), (Enumerable.Range(0, 10_000).Count(i => predicted[i] == test.Label(i)), predicted.Length));
        var bank = FeatureBank.Extract(model, test.Subset([.. Enumerable.Range(0, Images)], "first 1000"));
        for (var i = 0; i < Images; i++)
            Assert.Equal(predicted[i], Array.IndexOf(Row(bank, i), Row(bank, i).Max()));
    }

    [Fact]
    public void So_do_those_of_the_emulated_CUDA_device()
    {
        using var machine = Cuda.CudaMachine.Use(Cuda.CudaMachine.Names[0], isKeeper: true);
        using var model = Model(Device.Cuda());
        AssertScores(model, Cuda.EmulatedMachine.UsesGpu ? 64 : EmulatedImages);
    }

    private static void AssertScores(Classifier model, int count)
    {
        var expected = File.ReadLines(TestData.Weights("rn20_test_first64_logits.csv"))
            .Select(line => line.Split(',').Select(v => float.Parse(v, CultureInfo.InvariantCulture)).ToArray()).ToArray();
        Assert.Equal(64, expected.Length);
        var bank = FeatureBank.Extract(model, DataFolder.Open(TestData.Cifar10Folder).Test.Subset([.. Enumerable.Range(0, count)], "first"));
        for (var i = 0; i < count; i++)
        {
            foreach (var (wanted, got) in expected[i].Zip(Row(bank, i)))
                Assert.InRange(got, wanted - 1e-4, wanted + 1e-4);
        }
    }

    private static float[] Row(FeatureBank bank, int image) => bank.Logits.AsSpan(image * bank.Classes, bank.Classes).ToArray();

    private static Classifier Model(Device? device = null)
    {
        var model = ModelFile.Load(TestData.Weights("resnet20-12fca82f.safetensors"), device);
        Assert.Equal((new CifarResNetHyperparameters(20), Normalisation.ImageNet), ((CifarResNetHyperparameters)model.Description.Hyperparameters, model.Description.Normalisation));
        return model;
    }
}
