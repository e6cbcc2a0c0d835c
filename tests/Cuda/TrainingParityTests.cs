using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;

namespace EscNative.Tests.Cuda;

/// <summary>The same training on the CPU and on the device, from one seed.</summary>
public sealed class TrainingParityTests
{
    private const int Steps = 20;
    private const int Batch = 8;

    [Fact]
    public void A_small_All_CNN_has_the_same_losses_on_both_devices()
    {
        // Skips, or fails in CI, where there is no device.
        using (CudaMachine.Use(CudaMachine.Names[0]))
        {
        }

        var (wanted, got) = (Losses(Device.Cpu), Losses(Device.Cuda()));
        Assert.True(wanted[^1] < 0.7 * wanted[0], $"losses from {wanted[0]} to {wanted[^1]} show no learning: that they are equal would say little");
        for (var i = 0; i < Steps; i++)
            Assert.True(Math.Abs(wanted[i] - got[i]) <= 1e-4, $"step {i}: {got[i]:R} on the device, {wanted[i]:R} on the CPU");
    }

    private static double[] Losses(Device device)
    {
        var description = new ModelDescription
        {
            Hyperparameters = new AllCnnHyperparameters(0.125),
            Channels = 3,
            ClassNames = SmallImages.Names,
            Normalisation = Normalisation.Half,
        };
        using var model = Architectures.Create(description, seed: 3, device);
        model.Training = true;
        using var optimizer = new Sgd(model.Parameters, 0.02, momentum: 0.9, weightDecay: 5e-4, nesterov: true);
        var loader = new BatchLoader(SmallImages.Set(Steps * Batch, 1), Normalisation.Half, new BatchOptions
        {
            BatchSize = Batch,
            Shuffle = true,
            Augmentation = Augmentation.CropAndFlip,
            Seed = 4,
            Device = device,
        });
        var losses = new List<double>();
        foreach (var batch in loader.Epoch())
        {
            using var scope = Tensor.Scope();
            var loss = Loss.CrossEntropy(model.Forward(batch.Images), batch.Labels);
            using var gradients = loss.Backward();
            optimizer.Step(gradients);
            losses.Add(loss.Item());
        }

        return [.. losses];
    }
}
