using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Models;

/// <summary>A vision transformer that tests can pay for: 3 blocks of 4 heads, d = 32, patches of 8 pixels.</summary>
internal static class SmallVit
{
    public const string Name = "vit-parity";

    static SmallVit() => Architectures.Register(new VisionTransformerFamily(Name, new VisionTransformerShape(32, 4, 3, 8), 32));

    public static ModelDescription Description(int size = 32, string architecture = Name, int classes = 4) => new()
    {
        Hyperparameters = new VisionTransformerHyperparameters(architecture, size),
        Channels = 3,
        ClassNames = [.. Enumerable.Range(0, classes).Select(i => $"class {i}")],
        Normalisation = Normalisation.Half,
    };

    public static Classifier Model(Device? device = null, ulong seed = 3, int size = 32) => Architectures.Create(Description(size), seed, device);
}
