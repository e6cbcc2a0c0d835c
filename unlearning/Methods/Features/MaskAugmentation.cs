namespace EscNative.Unlearning.Methods;

/// <summary>What happens to the images of ESC-T in each epoch; the value of its parameter <c>augmentation</c>.</summary>
internal enum MaskAugmentation
{
    /// <summary>The test transform: features are computed once.</summary>
    None,

    /// <summary>Random flips, from the features of both images of every pair, computed once: the same as computing them anew.</summary>
    FlipPairs,

    /// <summary>Random flips, the features computed anew in each epoch.</summary>
    Flip,

    /// <summary>Random crops and flips, the features computed anew in each epoch.</summary>
    CropAndFlip,
}
