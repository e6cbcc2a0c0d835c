using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Masks;

/// <summary>Where the mask of ESC-T gets its features from. The same store in successive epochs stays where it is on the device.</summary>
internal interface IMaskRows
{
    /// <summary>What an epoch steps on. It holds until the rows of another epoch are asked for.</summary>
    /// <param name="epoch">From 0.</param>
    MaskRows Training(int epoch);

    /// <summary>Whose hits decide after an epoch; the same features as that epoch's <see cref="Training"/> where nothing else is drawn. It holds
    /// until those of another epoch are asked for.</summary>
    /// <param name="epoch">From 0.</param>
    MaskRows Judged(int epoch);
}

/// <summary>The features of one epoch of ESC-T.</summary>
/// <param name="Features">n rows, where the mask is trained.</param>
/// <param name="Labels">[n]</param>
/// <param name="Order">The rows in the order in which they are stepped on; for pairs of plain and mirrored features one row of each pair.</param>
internal sealed record MaskRows(FeatureStore Features, int[] Labels, int[] Order);
