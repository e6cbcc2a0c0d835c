using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>How well an attacker who knows the distribution of models tells forgotten images from images never trained on.</summary>
/// <param name="BalancedAccuracy">Of the sign of the log-likelihood ratio, in per cent; 50 is the ideal.</param>
/// <param name="Auc">Area under the ROC curve of the ratio; 0.5 is the ideal.</param>
/// <param name="TruePositives">Share of forgotten images found at 1 % false positives, in per cent; 1 is the ideal.</param>
/// <param name="BalancedAccuracyInterval">By resampling the targets.</param>
/// <param name="AucInterval">By resampling the targets.</param>
/// <param name="TruePositivesInterval">By resampling the targets.</param>
/// <param name="Shadows">How many models.</param>
/// <param name="Targets">How many images.</param>
/// <param name="Seed">The seed.</param>
public sealed record ULiraResult(
    double BalancedAccuracy, double Auc, double TruePositives, Interval BalancedAccuracyInterval, Interval AucInterval,
    Interval TruePositivesInterval, int Shadows, int Targets, ulong Seed)
{
    /// <summary>The rows of a report.</summary>
    public IReadOnlyList<MetricResult> Rows =>
    [
        Row("balanced accuracy", BalancedAccuracy, "%", "50", BalancedAccuracyInterval), Row("AUC", Auc, "", "0.5", AucInterval),
        Row("TPR at 1 % FPR", TruePositives, "%", "1", TruePositivesInterval),
    ];

    private MetricResult Row(string name, double value, string unit, string ideal, Interval interval) => new()
    {
        Metric = "U-LiRA",
        Name = name,
        Value = value,
        Original = null,
        Unit = unit,
        Definition = "likelihood-ratio attack on forgotten against never trained images, a Gaussian of the confidence for each image and world (Hayes et al., 2024)",
        Ideal = ideal,
        Direction = MetricDirection.Lower,
        N = Targets * Shadows,
        Interval = interval,
        IntervalBasis = "bootstrap over the images",
        Seed = Seed,
        Setting = $"{Shadows} models, {Targets} images",
    };
}
