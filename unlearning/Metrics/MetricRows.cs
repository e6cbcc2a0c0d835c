namespace EscNative.Unlearning.Metrics;

/// <summary>Builds the rows of a report.</summary>
internal sealed class MetricRows(Evaluation original, Evaluation erased, Evaluation? retrain)
{
    private const string KeptIdeal = "the Original's or more";
    private const string RetrainIdeal = "Retrain's";

    private readonly List<MetricResult> _rows = [];
    private readonly EvaluationData _data = erased.Data;

    public IReadOnlyList<MetricResult> All => _rows;

    /// <summary>The four accuracies and the two harmonic means of the model itself or of a probe.</summary>
    /// <param name="group">What the six rows have in common; the value, name and ideal are set here.</param>
    /// <param name="select">The accuracies of a model.</param>
    /// <param name="zero">Whether 0 is known to be the ideal: retraining never predicts a class that it has not seen. A probe
    /// is shown the class, so only Retrain can tell.</param>
    public void AddAccuracies(Group group, Func<Evaluation, ForgetAccuracies?> select, bool zero = false)
    {
        int trainRows = _data.Train.Rows, testRows = _data.Test.Rows;
        int forget = _data.Train.ForgottenRows, forgetTest = _data.Test.ForgottenRows;
        AddForgetting(group, "D_f", "training rows that the request names", forget, e => select(e)?.Forget, zero);
        AddKept(group, "D_r", "other training rows", trainRows - forget, e => select(e)?.Remain);
        AddForgetting(group, "D_ft", "test rows of the forgotten classes", forgetTest, e => select(e)?.ForgetTest, zero);
        AddKept(group, "D_rt", "other test rows", testRows - forgetTest, e => select(e)?.RemainTest);
        AddMean(group, "HM", "harmonic mean of 100 - D_f and D_r", trainRows, e => select(e)?.HarmonicMean, zero);
        AddMean(group, "HM_t", "harmonic mean of 100 - D_ft and D_rt", testRows, e => select(e)?.HarmonicMeanTest, zero);
    }

    /// <summary>The accuracies of the nearest neighbours, which only test rows are asked for.</summary>
    public void AddNeighbours(Group group)
    {
        var (all, forget) = (erased.Neighbours.Queries, erased.Neighbours.ForgetQueries);
        AddForgetting(group, "D_ft", "test rows of the forgotten classes", forget, e => e.Neighbours.ForgetTest, zero: false);
        AddKept(group, "D_rt", "other test rows", all - forget, e => e.Neighbours.RemainTest);
        AddMean(group, "HM_t", "harmonic mean of 100 - D_ft and D_rt", all, e => e.Neighbours.HarmonicMeanTest, zero: false);
    }

    /// <summary>The area under the curve of the binary probe.</summary>
    public void AddAuc(Group group)
    {
        var (positives, negatives) = (erased.Binary.Positives, erased.Binary.Negatives);
        var row = Row(group, "AUC", "test rows", positives + negatives, e => e.Binary.Auc) with { Unit = "", Ideal = RetrainIdeal };
        _rows.Add(Judgement.Of(row, null, 0.5, auc => Judgement.AucError(auc, positives, negatives)));
    }

    private void AddForgetting(Group group, string name, string rows, int n, Func<Evaluation, double?> value, bool zero)
    {
        var row = Row(group, name, rows, n, value) with
        {
            Ideal = zero ? "0" : RetrainIdeal,
            Direction = zero ? MetricDirection.Lower : MetricDirection.CloserToRetrain,
        };
        _rows.Add(group.Converged
            ? Judgement.Of(row, zero ? 0 : null, 100.0 / _data.Classes, p => Judgement.AccuracyError(p, n))
            : row with { Notes = row.Value is null ? row.Notes : "no verdict: the probe is far from converged" });
    }

    private void AddKept(Group group, string name, string rows, int n, Func<Evaluation, double?> value) =>
        _rows.Add(Row(group, name, rows, n, value) with { Ideal = KeptIdeal, Direction = MetricDirection.Higher });

    private void AddMean(Group group, string name, string rows, int n, Func<Evaluation, double?> value, bool zero) =>
        _rows.Add(Row(group, name, rows, n, value) with
        {
            Ideal = zero ? "100" : RetrainIdeal,
            Direction = zero ? MetricDirection.Higher : MetricDirection.CloserToRetrain,
        });

    private MetricResult Row(Group group, string name, string rows, int n, Func<Evaluation, double?> value)
    {
        var found = value(erased);
        return new MetricResult
        {
            Metric = group.Metric,
            Name = name,
            Value = found,
            Original = value(original),
            Retrain = retrain is null ? null : value(retrain),
            Unit = "%",
            Definition = $"{group.Definition}; {rows}",
            Ideal = RetrainIdeal,
            Direction = MetricDirection.CloserToRetrain,
            N = n,
            Seed = group.Seed,
            Setting = group.Setting,
            Notes = found is not null ? "" : n == 0 ? "n/a: there are no such rows" : "n/a",
        };
    }

    /// <summary>What the rows of one metric have in common.</summary>
    /// <param name="Converged">False for a probe that misses what is there: its low values do not show that knowledge is gone.</param>
    public sealed record Group(string Metric, string Definition, ulong? Seed = null, string Setting = "", bool Converged = true);
}
