using System.Collections.ObjectModel;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning;

/// <summary>What a method did.</summary>
public sealed record UnlearningResult
{
    /// <summary>The method's name.</summary>
    public required string Method { get; init; }

    /// <summary>Images of D_f that were seen.</summary>
    public required int Images { get; init; }

    /// <summary>Wall seconds of the whole call; of a method that trained on from a checkpoint also those of the runs before.</summary>
    public required double Seconds { get; init; }

    /// <summary>How it ended.</summary>
    public UnlearningOutcome Outcome { get; init; }

    /// <summary>The method's parameters with the values that were used.</summary>
    public IReadOnlyDictionary<string, double> Parameters { get; init; } = ReadOnlyDictionary<string, double>.Empty;

    /// <summary>Optimization steps taken; 0 for methods in closed form.</summary>
    public long Steps { get; init; }

    /// <summary>The directions removed and how they were found; null for methods that remove none.</summary>
    public SubspaceResult? Subspace { get; init; }

    /// <summary>What a reader of the result must know: a reduced k, changed statistics.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>How a run of a method ended.</summary>
public enum UnlearningOutcome
{
    /// <summary>It did what it is defined to do.</summary>
    Completed,

    /// <summary>
    /// Its training left the finite numbers, or its loss every bound. The model is as it was after the last epoch that was
    /// sound (before the first: as it was given), and the notes say where and why.
    /// </summary>
    Diverged,
}
