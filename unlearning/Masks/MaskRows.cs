namespace EscNative.Unlearning.Masks;

/// <summary>The features of one epoch of ESC-T.</summary>
/// <param name="Features">[n, d] row-major.</param>
/// <param name="Labels">[n]</param>
/// <param name="Order">The rows in the order in which they are stepped on; for pairs of plain and mirrored features one row of each pair.</param>
internal sealed record MaskRows(float[] Features, int[] Labels, int[] Order);
