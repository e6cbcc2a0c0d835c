namespace EscNative.Bench.Reports;

/// <summary>What the paper published (CVPR 2025, table 1 and table 5), to stand beside our own figures.</summary>
internal static class PaperClaims
{
    /// <summary>Table 1, CIFAR-10, All-CNN, forgetting class 4: accuracies and knowledge retention in per cent.</summary>
    public static IReadOnlyList<PaperRow> Table1Methods { get; } =
    [
        new("CIFAR-10, All-CNN", "Original", 98.42, 98.29, 85.90, 86.57, 3.11, 24.25, 98.40, 97.81),
        new("CIFAR-10, All-CNN", "Retrain", 0.00, 96.93, 0.00, 86.02, 98.44, 92.48, 41.28, 96.18),
        new("CIFAR-10, All-CNN", "Finetune", 6.89, 98.90, 5.53, 85.94, 95.91, 90.00, 82.99, 98.60),
        new("CIFAR-10, All-CNN", "Fisher", 0.74, 96.16, 0.63, 81.22, 97.69, 89.38, 96.00, 95.76),
        new("CIFAR-10, All-CNN", "SCRUB", 10.39, 97.15, 4.50, 83.33, 93.23, 89.00, 80.41, 96.62),
        new("CIFAR-10, All-CNN", "l1-sparse", 0.00, 89.95, 0.00, 84.81, 94.71, 91.78, 62.03, 88.57),
        new("CIFAR-10, All-CNN", "SalUn", 0.00, 98.86, 0.00, 86.80, 99.43, 92.94, 86.83, 98.12),
        new("CIFAR-10, All-CNN", "NG", 2.46, 90.27, 2.17, 75.83, 93.76, 85.44, 93.21, 99.14),
        new("CIFAR-10, All-CNN", "RL", 13.25, 98.21, 7.93, 80.43, 92.12, 85.85, 98.05, 99.70),
        new("CIFAR-10, All-CNN", "BS", 10.98, 95.89, 13.43, 84.41, 92.32, 85.43, 96.71, 96.93),
        new("CIFAR-10, All-CNN", "LAU", 0.15, 92.84, 0.07, 82.28, 96.22, 90.25, 97.86, 97.39),
        new("CIFAR-10, All-CNN", "ESC", 9.46, 96.52, 10.73, 85.59, 93.43, 87.39, 8.53, 97.45),
        new("CIFAR-10, All-CNN", "ESC-T", 0.00, 97.23, 0.00, 86.08, 98.60, 92.51, 29.47, 97.25),
    ];

    /// <summary>Of them, what stands beside a report on ESC alone.</summary>
    public static IReadOnlyList<PaperRow> Table1 { get; } = [.. Table1Methods.Where(row => row.Method is "Original" or "ESC" or "Retrain")];

    /// <summary>The published run time, and why it is no bar for ours.</summary>
    public const string RunTime =
        "The paper's run time for ESC is 2.24 s (table 5: ResNet-18, CIFAR-10, 5,000 random images, NVIDIA A5000; one wall-clock reading with image "
        + "decoding inside). Another network on another device: context, not comparable with the figures here.";
}
