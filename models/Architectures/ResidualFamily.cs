using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What the architectures of residual networks have in common.</summary>
/// <param name="defaults">The hyper-parameters of a network of which nothing else was said.</param>
/// <param name="head">What the last layer is called in files.</param>
/// <param name="fanOut">How the convolutions start: see <see cref="ResidualWeights"/>.</param>
internal abstract class ResidualFamily(Hyperparameters defaults, string head, bool fanOut) : IArchitecture
{
    // More than the longest side of any image that a network is trained on.
    private const int LargestSize = 4096;

    /// <summary>The largest share of the published number of filters.</summary>
    protected const int MostWidth = 4;

    public string Name => Defaults.Architecture;

    public Hyperparameters Defaults { get; } = defaults;

    public virtual Hyperparameters DefaultsFor(IReadOnlyDictionary<string, string> values) => Defaults;

    public abstract Hyperparameters Parse(IReadOnlyDictionary<string, string> values);

    public (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters) => (SizeOf(hyperparameters), SizeOf(hyperparameters), 3);

    public (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device)
    {
        var layout = Layout(description);
        var extractor = new ResidualNetwork(layout, new ResidualWeights(random, fanOut, device));
        var last = new Linear(layout.Features, description.ClassNames.Count, random, device: device);
        Start(last, random);
        return (extractor, last);
    }

    public IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description)
    {
        var layout = Layout(description);
        return [.. layout.Outline(), ($"{head}.weight", [description.ClassNames.Count, layout.Features])];
    }

    public ModelDescription? Recognise(INamedArraySource tensors)
    {
        if (tensors.Find("conv1.weight") is not { Shape: [var filters and > 0, var channels and >= 1 and <= ModelDescription.MostChannels, var kernel, var other] } || kernel != other
            || tensors.Find($"{head}.weight") is not { Shape: [var classes, var features] } || classes > ModelDescription.MostClasses
            || Recognise(kernel, filters) is not { } hyperparameters)
        {
            return null;
        }

        var layout = LayoutOf(hyperparameters, channels);
        var isBottleneck = tensors.Find("layer1.0.conv3.weight") is not null;
        if (features != layout.Features || isBottleneck != layout.Bottleneck || !Enumerable.Range(0, layout.Blocks.Count + 1).All(HasBlocks))
            return null;
        var description = ModelDescription.OfTensors(hyperparameters, channels, classes);
        // What these networks were published for.
        return channels == 3 ? description with { Normalisation = Normalisation.ImageNet } : description;

        // As many as the layout has, and no more; the stage after the last one has none.
        bool HasBlocks(int stage)
        {
            var count = 0;
            while (tensors.Find(FormattableString.Invariant($"layer{stage + 1}.{count}.conv1.weight")) is not null)
                count++;
            return count == (stage < layout.Blocks.Count ? layout.Blocks[stage] : 0);
        }
    }

    public string PyTorchName(string name)
    {
        const string features = "features.", last = "head.0.";
        return name.StartsWith(features, StringComparison.Ordinal) ? name[features.Length..]
            : name.StartsWith(last, StringComparison.Ordinal) ? $"{head}.{name[last.Length..]}"
            : name;
    }

    /// <summary>Rows and columns of a network's images.</summary>
    protected abstract int SizeOf(Hyperparameters hyperparameters);

    /// <summary>What a network of some hyper-parameters is made of.</summary>
    protected abstract ResidualLayout LayoutOf(Hyperparameters hyperparameters, int channels);

    /// <summary>The hyper-parameters that a file's first convolution tells, or null where no network of this family has it.</summary>
    /// <param name="kernel">Its window.</param>
    /// <param name="filters">Its filters.</param>
    protected abstract Hyperparameters? Recognise(int kernel, int filters);

    /// <summary>Gives the last layer other starting values than PyTorch's defaults.</summary>
    protected virtual void Start(Linear last, RandomSource random)
    {
    }

    /// <summary>The filters of the first stage at a width.</summary>
    /// <param name="width">The share of the published number.</param>
    /// <param name="published">That number.</param>
    /// <exception cref="UsageException">The width gives no filters.</exception>
    protected int Filters(double width, int published) => width > 0 && width <= MostWidth
        ? Math.Max((int)(published * width), 1)
        : throw new UsageException($"{Name}: got width {width.ToString(CultureInfo.InvariantCulture)}, wants more than 0, at most {MostWidth.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Reads a size in pixels.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    protected int Size(IReadOnlyDictionary<string, string> values) => Hyperparameters.Whole(values, "size") is var size and >= 1 and <= LargestSize
        ? size
        : throw new UsageException($"{Name}: got size {values["size"]}, wants 1 to {LargestSize.ToString(CultureInfo.InvariantCulture)} pixels");

    private ResidualLayout Layout(ModelDescription description) => LayoutOf(description.Hyperparameters, description.Channels);
}
