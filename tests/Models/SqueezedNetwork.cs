using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Models;

namespace EscNative.Tests.Models;

/// <summary>A user's network whose name begins as those of the library do; it is only recognised, never made.</summary>
internal sealed class SqueezedNetwork : IArchitecture
{
    public const string Mine = "mine.weight";

    public string Name => "resnet-se";

    public Hyperparameters Defaults { get; } = new NoHyperparameters("resnet-se");

    public Hyperparameters Parse(IReadOnlyDictionary<string, string> values) => Defaults;

    public (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters) => (32, 32, 3);

    public (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device) => throw new UsageException("resnet-se: only its name is known");

    public IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description) => [];

    public ModelDescription? Recognise(INamedArraySource tensors) =>
        tensors.Find(Mine) is { Shape: [var classes, _] } ? ModelDescription.OfTensors(Defaults, 3, classes) : null;
}
