namespace EscNative.Unlearning.Masks;

/// <summary>Where the mask of ESC-T gets its features from. Equal arrays in successive epochs stay where they are on the device.</summary>
internal interface IMaskRows
{
    /// <summary>What an epoch steps on.</summary>
    /// <param name="epoch">From 0.</param>
    MaskRows Training(int epoch);

    /// <summary>Whose hits decide after an epoch; the same object as that epoch's <see cref="Training"/> where nothing else is drawn.</summary>
    /// <param name="epoch">From 0.</param>
    MaskRows Judged(int epoch);
}
