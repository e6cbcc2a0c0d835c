namespace EscNative.Unlearning;

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
