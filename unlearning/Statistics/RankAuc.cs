namespace EscNative.Unlearning.Statistics;

/// <summary>The exact area under the ROC curve: the chance that a positive scores above a negative, ties counting half.</summary>
public static class RankAuc
{
    /// <summary>Computes it from ranks, in n log n.</summary>
    /// <param name="scores">A score for each row.</param>
    /// <param name="positive">Which rows are positives.</param>
    /// <returns>0 to 1; null if either side is empty.</returns>
    /// <exception cref="EscException">BadInput: lengths differ, a score is NaN.</exception>
    public static double? Of(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        Guard.CheckCount("AUC", "marks of positives", positive.Length, scores.Length);
        var (sorted, marks) = (scores.ToArray(), positive.ToArray());
        if (Array.Exists(sorted, double.IsNaN))
            throw Guard.Bad("AUC: got a score that is NaN, wants numbers");
        Array.Sort(sorted, marks);
        // Counts pairs twice, so that a tie is a whole number.
        long negatives = 0, positives = 0, wins = 0;
        for (var first = 0; first < sorted.Length;)
        {
            long tiedPositives = 0, tiedNegatives = 0;
            var end = first;
            for (; end < sorted.Length && sorted[end] == sorted[first]; end++)
            {
                tiedPositives += marks[end] ? 1 : 0;
                tiedNegatives += marks[end] ? 0 : 1;
            }

            wins += tiedPositives * ((2 * negatives) + tiedNegatives);
            negatives += tiedNegatives;
            positives += tiedPositives;
            first = end;
        }

        return positives == 0 || negatives == 0 ? null : (double)wins / (2.0 * positives * negatives);
    }
}
