namespace EscNative.Unlearning.Masks;

/// <summary>What an epoch of <see cref="IMaskTrainer"/> did.</summary>
/// <param name="Hits">Rows that are still predicted right, with the mask after the epoch, before any threshold.</param>
/// <param name="Updates">Steps that changed the mask; a batch without a hit changes nothing.</param>
public readonly record struct MaskEpoch(int Hits, int Updates);
