namespace EscNative.Unlearning;

/// <summary>How literally a method follows the released code.</summary>
public enum UnlearningMode
{
    /// <summary>The method as the paper defines it: evaluation mode, complement form, test transform. The default.</summary>
    Paper,

    /// <summary>
    /// The released code, its defects included (commit 29c66b8): the feature pass runs in training mode, so that batch
    /// normalisation uses the statistics of forgetting-only batches and its running statistics become theirs.
    /// </summary>
    Official,
}
