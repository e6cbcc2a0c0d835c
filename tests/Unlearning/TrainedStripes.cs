using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Tests.Models;

namespace EscNative.Tests.Unlearning;

/// <summary>A small All-CNN that knows the stripes of <see cref="SmallImages"/>, trained once; kept as bytes, since tests leave no tensor behind.</summary>
internal static class TrainedStripes
{
    private static readonly Lazy<byte[]> File = new(Train);

    public static Classifier Model(Device? device = null)
    {
        using var file = SafetensorsFile.Open(new MemoryStream(File.Value), "trained stripes");
        return ModelFile.Load(file, device);
    }

    private static byte[] Train()
    {
        using var folder = new TemporaryFolder();
        using var model = Tiny.Model(width: 0.05, Device.Cpu);
        new Trainer(model, SmallImages.Data(train: 64), new TrainOptions { Epochs = 5, BatchSize = 8, LearningRate = 0.05, Seed = 9 }).Run();
        ModelFile.Save(model, folder["model.safetensors"]);
        return System.IO.File.ReadAllBytes(folder["model.safetensors"]);
    }
}
