namespace EscNative.Bench.Reports;

/// <summary>Sentences that belong beside the figures of several verbs.</summary>
internal static class ReportNotes
{
    /// <summary>What an erasure of this kind does not do.</summary>
    public const string Seam =
        "The erasure stands between features and head; the weights before it are unchanged. It protects what the model puts out, not the file: "
        + "whoever holds the file can take it out again, and its directions are themselves a trace of what was erased.";

    /// <summary>How far the figures of the embedded set go.</summary>
    public const string Small =
        "These are the small embedded set (2,000 Fashion-MNIST images) and a small model trained on it: they show that everything works here and how long it "
        + "takes, not how well ESC does on the paper's task. Give --data with a folder of CIFAR-10 for that.";
}
