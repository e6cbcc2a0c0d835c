using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>What a vision transformer can be told.</summary>
/// <param name="Name">The architecture's name: <c>vit-ti16</c>.</param>
/// <param name="Size">Rows and columns of the images, a multiple of the patch.</param>
public sealed record VisionTransformerHyperparameters(string Name, int Size = 224) : Hyperparameters
{
    /// <inheritdoc/>
    public override string Architecture => Name;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Value)> Values => [("size", Size.ToString(CultureInfo.InvariantCulture))];
}

/// <summary>Vision transformers of one width, under timm's names.</summary>
/// <param name="name">The architecture's name.</param>
/// <param name="shape">Its sizes.</param>
/// <param name="size">Rows and columns of the images, where nothing is said.</param>
internal sealed class VisionTransformerFamily(string name, VisionTransformerShape shape, int size = 224) : IArchitecture
{
    private const string ClassToken = "cls_token";
    private const string Positions = "pos_embed";
    private const string Patches = "patch_embed.proj.weight";
    private const string Head = "head.weight";

    public string Name => name;

    /// <summary>Its sizes.</summary>
    public VisionTransformerShape Shape => shape;

    public Hyperparameters Defaults { get; } = new VisionTransformerHyperparameters(name, size);

    public Hyperparameters Parse(IReadOnlyDictionary<string, string> values)
    {
        var pixels = Hyperparameters.Whole(values, "size");
        shape.CheckSize(pixels);
        return new VisionTransformerHyperparameters(name, pixels);
    }

    public (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters)
    {
        var pixels = ModelDescription.Of<VisionTransformerHyperparameters>(hyperparameters).Size;
        return (pixels, pixels, 3);
    }

    public (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device)
    {
        var extractor = new VisionTransformer(shape, SizeOf(description), description.Channels, random, device);
        var head = new Linear(shape.Width, description.ClassNames.Count, random, device: device);
        VisionTransformer.Start(head, random);
        return (extractor, head);
    }

    // Not the positions: those of another grid are fitted, see Fit.
    public IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description)
    {
        shape.CheckSize(SizeOf(description));
        return
        [
            (Patches, [shape.Width, description.Channels, shape.Patch, shape.Patch]), (ClassToken, [1, 1, shape.Width]), (LastBlock, [4 * shape.Width, shape.Width]),
            (Head, [description.ClassNames.Count, shape.Width]),
        ];
    }

    public ModelDescription? Recognise(INamedArraySource tensors)
    {
        if (tensors.Find(Patches) is not { Shape: [var width, var channels and >= 1 and <= ModelDescription.MostChannels, var high, var wide] } || width != shape.Width || high != shape.Patch || wide != shape.Patch
            || tensors.Find(ClassToken) is not { Shape: [1, 1, _] } || tensors.Find(Positions) is not { Shape: [1, var tokens, _] }
            || tensors.Find(Head) is not { Shape: [var classes, _] } || tensors.Find(LastBlock) is null || classes > ModelDescription.MostClasses)
        {
            return null;
        }

        // Everything else fits, so this file is meant: say what is wrong with it.
        var grid = PositionGrid.Side(tokens - 1) ?? throw new DataFormatException(
            tensors.Name, null, FormattableString.Invariant($"tensor '{Positions}' has {tokens} rows, {name} wants a class token and a square grid of patches, 1 + n² (no distillation or register tokens)"));
        try
        {
            shape.CheckSize(checked(grid * shape.Patch));
        }
        catch (UsageException cause)
        {
            throw new DataFormatException(tensors.Name, null, $"tensor '{Positions}': {cause.Message}", cause);
        }

        return ModelDescription.OfTensors(new VisionTransformerHyperparameters(name, grid * shape.Patch), channels, classes);
    }

    public string PyTorchName(string name) => name.StartsWith("features.", StringComparison.Ordinal)
        ? name["features.".Length..]
        : name.Replace("head.0.", "head.", StringComparison.Ordinal);

    public string FitMethod => "resampled as timm does, bicubic and antialiased; Hugging Face and timm before 0.6 resample otherwise, and their scores differ a little";

    public NamedArray Fit(string name, NamedArray tensor, ModelDescription description) => name == Positions && tensor.Shape is [1, > 1, var width] && width == shape.Width
        ? PositionGrid.Resample(tensor, SizeOf(description) / shape.Patch)
        : tensor;

    private string LastBlock => FormattableString.Invariant($"blocks.{shape.Depth - 1}.mlp.fc1.weight");

    private static int SizeOf(ModelDescription description) => description.HyperparametersOf<VisionTransformerHyperparameters>().Size;
}
