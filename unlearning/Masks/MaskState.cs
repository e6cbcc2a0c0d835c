namespace EscNative.Unlearning.Masks;

/// <summary>A mask in training, after a whole number of epochs.</summary>
/// <param name="Mask">M: [d, r] row-major.</param>
/// <param name="Epochs">Epochs done.</param>
/// <param name="Updates">Steps that changed the mask.</param>
/// <param name="Hits">Rows predicted right after the last epoch, with the soft mask; -1 before the first.</param>
internal sealed record MaskState(float[] Mask, int Epochs, long Updates, int Hits)
{
    /// <summary>A mask of ones.</summary>
    public static MaskState Start(int values)
    {
        var ones = new float[values];
        Array.Fill(ones, 1);
        return new MaskState(ones, 0, 0, -1);
    }
}
