namespace EscNative.Bench.Reports;

/// <summary>What the paper published (CVPR 2025, table 1 and table 5), to stand beside our own figures.</summary>
internal static class PaperClaims
{
    /// <summary>Table 1, CIFAR-10, All-CNN, forgetting class 4: accuracies and knowledge retention in per cent.</summary>
    public static IReadOnlyList<PaperRow> Table1 { get; } =
    [
        new("CIFAR-10, All-CNN", "Original", 98.42, 98.29, 85.90, 86.57, 3.11, 24.25, 98.40, 97.81),
        new("CIFAR-10, All-CNN", "ESC", 9.46, 96.52, 10.73, 85.59, 93.43, 87.39, 8.53, 97.45),
        new("CIFAR-10, All-CNN", "Retrain", 0.00, 96.93, 0.00, 86.02, 98.44, 92.48, 41.28, 96.18),
    ];

    /// <summary>The published run time, and why it is no bar for ours.</summary>
    public const string RunTime =
        "The paper's run time for ESC is 2.24 s (table 5: ResNet-18, CIFAR-10, 5,000 random images, NVIDIA A5000; one wall-clock reading with image "
        + "decoding inside). Another network on another device: context, not comparable with the figures here.";
}
