using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Models;

/// <summary>Residual networks of a few filters, for images of 32 pixels.</summary>
internal static class TinyResNets
{
    /// <summary>One with shortcuts without weights, basic blocks, bottlenecks; both stems.</summary>
    public static string[] Names { get; } = ["resnet20", "resnet18", "resnet18 imagenet", "resnet50"];

    public static Hyperparameters Of(string name) => name switch
    {
        "resnet20" => new CifarResNetHyperparameters(20, Width: 0.25),
        "resnet18" => new ResNetHyperparameters(18, ResNetStem.Cifar, width: 0.0625),
        "resnet18 imagenet" => new ResNetHyperparameters(18, size: 32, width: 0.0625),
        "resnet50" => new ResNetHyperparameters(50, ResNetStem.Cifar, width: 0.03125),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    public static Classifier Model(string name, Device? device = null, ulong seed = 5)
    {
        var model = Architectures.Create(
            new ModelDescription { Hyperparameters = Of(name), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half }, seed, device);
        model.Training = false;
        return model;
    }
}
