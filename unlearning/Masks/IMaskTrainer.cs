namespace EscNative.Unlearning.Masks;

/// <summary>Trains the mask of ESC-T on one device. Between epochs the caller decides: order of the rows, when to stop, what to
/// report. Not safe for concurrent use.</summary>
/// <remarks>
/// A step that is not this one (the released code's first batch, which projects with AᵀA instead of A Aᵀ) is taken by reading
/// the mask, stepping, and writing it back before the rest of the epoch.
/// </remarks>
public interface IMaskTrainer : IDisposable
{
    /// <summary>What is trained on.</summary>
    MaskProblem Problem { get; }

    /// <summary>A step for each batch of the given rows (the last may be short), then a count over all rows.</summary>
    /// <param name="order">Rows of the problem in the order in which they are used, at most as many as it has; empty to count
    /// alone.</param>
    /// <param name="rate">The learning rate.</param>
    /// <exception cref="UsageException">Too many rows, or one that is not there.</exception>
    MaskEpoch Epoch(ReadOnlySpan<int> order, float rate);

    /// <summary>Copies M, [d, r] row-major, each value in [0, 1].</summary>
    /// <param name="mask">Receives it.</param>
    /// <exception cref="UsageException">The span has another length.</exception>
    void ReadMask(Span<float> mask);

    /// <summary>Replaces M.</summary>
    /// <param name="mask">[d, r] row-major, each value in [0, 1].</param>
    /// <exception cref="UsageException">The span has another length, or a value outside.</exception>
    void WriteMask(ReadOnlySpan<float> mask);

    /// <summary>Which values of M are above a threshold, strictly: [d, r] row-major.</summary>
    /// <param name="tau">The threshold.</param>
    bool[] Threshold(float tau);
}

/// <summary>What an epoch of <see cref="IMaskTrainer"/> did.</summary>
/// <param name="Hits">Rows that are still predicted right, with the mask after the epoch, before any threshold.</param>
/// <param name="Updates">Steps that changed the mask; a batch without a hit changes nothing.</param>
public readonly record struct MaskEpoch(int Hits, int Updates);
