using EscNative.Kernels;

namespace EscNative.Models.Data;

/// <summary>Random changes of training images: a crop from a black frame, then a mirror image with probability one half.</summary>
/// <param name="HorizontalFlip">Whether images are mirrored at random.</param>
/// <param name="CropPadding">Pixels of the black frame on each side from which a crop of the image's own size is taken; 0 for
/// none.</param>
public sealed record Augmentation(bool HorizontalFlip, int CropPadding)
{
    /// <summary>Nothing changes: evaluation.</summary>
    public static Augmentation None { get; } = new(false, 0);

    /// <summary>Mirror images only: the paper's for CIFAR-10.</summary>
    public static Augmentation Flip { get; } = new(true, 0);

    /// <summary>Crops from a frame of 4, and mirror images: the usual one for ResNets on CIFAR.</summary>
    public static Augmentation CropAndFlip { get; } = new(true, 4);

    /// <summary>A random part of each photo, in its own size, takes the place of the whole one; null for none. Of photos alone
    /// (<see cref="ImageSet.HasOriginals"/>), which are decoded for it in every epoch.</summary>
    public RandomResizedCrop? ResizedCrop { get; init; }

    /// <summary>Throws where a value is impossible.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.Require(CropPadding is >= 0 and <= 1024, "augmentation", "crop padding", CropPadding, "0 to 1024");
        if (ResizedCrop is not null && CropPadding != 0)
            throw new UsageException($"augmentation: got random resized crops and crops from a frame of {CropPadding}; wants one of them");
        ResizedCrop?.Validate();
    }

    /// <summary>What happens to one image in one epoch: a pure function of the seed, so that it depends neither on the batch nor
    /// on the other images, and a GPU draws the same.</summary>
    internal (bool Mirror, int Down, int Right) Draw(ulong seed, ulong stream, int id)
    {
        if (this == None)
            return default;
        var (a, b, c, _) = Philox.Block(seed, stream, (ulong)id);
        var positions = (ulong)((2 * CropPadding) + 1);
        return (HorizontalFlip && a >> 31 != 0, (int)(b * positions >> 32) - CropPadding, (int)(c * positions >> 32) - CropPadding);
    }
}
