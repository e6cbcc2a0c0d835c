namespace EscNative.Unlearning.Statistics;

/// <summary>Standard errors of values over independent rows.</summary>
public static class SamplingError
{
    /// <summary>Of an accuracy, or another share, over n rows.</summary>
    /// <param name="percent">The share, in per cent.</param>
    /// <param name="n">Rows.</param>
    /// <returns>In points of per cent.</returns>
    public static double OfShare(double percent, int n)
    {
        var p = percent / 100;
        return 100 * Math.Sqrt(p * (1 - p) / n);
    }

    /// <summary>Of an area under the ROC curve (Hanley and McNeil, 1982).</summary>
    /// <param name="auc">The area, 0 to 1.</param>
    /// <param name="positives">Rows of one side.</param>
    /// <param name="negatives">Rows of the other.</param>
    public static double OfAuc(double auc, int positives, int negatives)
    {
        var q1 = auc / (2 - auc);
        var q2 = 2 * auc * auc / (1 + auc);
        var variance = (auc * (1 - auc)) + ((positives - 1) * (q1 - (auc * auc))) + ((negatives - 1) * (q2 - (auc * auc)));
        return Math.Sqrt(Math.Max(0, variance) / ((double)positives * negatives));
    }
}
