namespace EscNative.Unlearning.Masks;

/// <summary>How a mask is trained.</summary>
internal sealed record MaskSettings
{
    /// <summary>The step M becomes M - Rate dL/dM.</summary>
    public required float Rate { get; init; }

    /// <summary>The most epochs.</summary>
    public required int Epochs { get; init; }

    /// <summary>Rows of a step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>No epoch begins after so many seconds of training; 0 for no limit.</summary>
    public double Seconds { get; init; }

    /// <summary>Whether the very first step projects with AᵀA instead of A Aᵀ, as the released code's does.</summary>
    public bool FirstStepTransposed { get; init; }
}
