namespace EscNative.Unlearning.Training;

/// <summary>The purposes for which training methods draw random numbers: each has streams of its own.</summary>
public static class TrainingStreams
{
    /// <summary>Order and mirroring of D_f.</summary>
    public const ulong Forget = 1;

    /// <summary>Order and mirroring of D_r.</summary>
    public const ulong Remain = 2;

    /// <summary>Random labels.</summary>
    public const ulong Labels = 3;

    /// <summary>Starting values of a model beside the trained one.</summary>
    public const ulong Teacher = 4;

    /// <summary>The choice of a part of a set.</summary>
    public const ulong Subset = 5;

    // Keeps these streams apart from those that other parts of a run draw from the same seed.
    private const ulong Training = 0x554E_4C52UL << 32;

    internal static ulong Of(ulong purpose, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(purpose, 255UL);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(epoch, 1 << 24);
        return Training | (purpose << 24) | (uint)epoch;
    }
}
