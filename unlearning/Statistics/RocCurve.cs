namespace EscNative.Unlearning.Statistics;

/// <summary>The ROC curve of scores, for its points and for resamples of its rows.</summary>
internal sealed class RocCurve
{
    // Rows by falling score: the score, which side, and the place on that side.
    private readonly (double Score, bool Positive, int Index)[] _rows;

    /// <summary>Sorts the scores.</summary>
    /// <param name="positives">Scores of one side, which should be the larger ones.</param>
    /// <param name="negatives">Scores of the other.</param>
    public RocCurve(ReadOnlySpan<double> positives, ReadOnlySpan<double> negatives)
    {
        (Positives, Negatives) = (positives.Length, negatives.Length);
        _rows = new (double, bool, int)[Positives + Negatives];
        for (var i = 0; i < Positives; i++)
            _rows[i] = (positives[i], true, i);
        for (var i = 0; i < Negatives; i++)
            _rows[Positives + i] = (negatives[i], false, i);
        if (Array.Exists(_rows, r => double.IsNaN(r.Score)))
            throw Guard.Bad("ROC curve: got a score that is NaN, wants numbers");
        Array.Sort(_rows, (a, b) => b.Score.CompareTo(a.Score));
    }

    /// <summary>Rows of the one side.</summary>
    public int Positives { get; }

    /// <summary>Rows of the other.</summary>
    public int Negatives { get; }

    /// <summary>The area under the curve; null if a side is empty.</summary>
    public double? Auc => RankAuc.Of(Array.ConvertAll(_rows, r => r.Score), Array.ConvertAll(_rows, r => r.Positive));

    /// <summary>The largest share of positives, in per cent, at a threshold that no more than a given share of negatives reaches.</summary>
    /// <param name="falsePositives">That share, 0 to 1.</param>
    /// <param name="positiveCounts">How often each positive counts; once if null.</param>
    /// <param name="negativeCounts">How often each negative counts; once if null.</param>
    public double? TruePositives(double falsePositives, int[]? positiveCounts = null, int[]? negativeCounts = null)
    {
        if (Positives == 0 || Negatives == 0)
            return null;
        long found = 0, alarms = 0, best = 0;
        for (var first = 0; first < _rows.Length;)
        {
            // Rows of equal score lie on the same side of every threshold.
            var end = first;
            for (; end < _rows.Length && _rows[end].Score == _rows[first].Score; end++)
            {
                var (_, positive, index) = _rows[end];
                found += positive ? positiveCounts?[index] ?? 1 : 0;
                alarms += positive ? 0 : negativeCounts?[index] ?? 1;
            }

            if (alarms > falsePositives * Negatives)
                break;
            best = found;
            first = end;
        }

        return 100.0 * best / Positives;
    }

    /// <summary>The interval of <see cref="TruePositives"/> by resampling both sides.</summary>
    public Interval? TruePositivesInterval(double falsePositives, ulong seed) =>
        Interval.Bootstrap(Positives, Negatives, (p, n) => TruePositives(falsePositives, p, n), seed);
}
