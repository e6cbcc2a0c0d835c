using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics;

/// <summary>Makes the rows of a metric, which have much in common.</summary>
/// <param name="Models">The models of the report.</param>
/// <param name="Metric">The metric, as rows name it.</param>
/// <param name="Definition">What it is, with its source; rows add which images they are over.</param>
/// <param name="Seed">The seed, where chance plays a part.</param>
/// <param name="Setting">How it was measured, where that is a choice.</param>
/// <param name="Converged">False for a probe that misses what is there: its low values do not show that knowledge is gone.</param>
public sealed record RowGroup(
    MetricComparison Models, string Metric, string Definition, ulong? Seed = null, string Setting = "", bool Converged = true)
{
    /// <summary>The basis of <see cref="Interval.HanleyMcNeil"/>.</summary>
    public const string HanleyMcNeil = "Hanley and McNeil";

    /// <summary>The basis of the interval of a <see cref="MeanValue"/>.</summary>
    public const string NormalMean = "normal, of a mean";

    /// <summary>Why there is no interval over no rows.</summary>
    public const string NoRows = "none: there are no such rows";

    /// <summary>The ideal of what only a model trained without the forgotten data can tell.</summary>
    public const string RetrainIdeal = "Retrain's";

    private const string KeptIdeal = "the Original's or more";

    /// <summary>A row without an interval, in per cent, whose ideal is Retrain's value.</summary>
    /// <param name="name">Which number: "D_f".</param>
    /// <param name="rows">Which images it is over, in words.</param>
    /// <param name="n">How many.</param>
    /// <param name="value">The value of a model.</param>
    public MetricResult Row(string name, string rows, int n, Func<Measurements, double?> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var found = value(Models.Erased);
        return new MetricResult
        {
            Metric = Metric,
            Name = name,
            Value = found,
            Original = value(Models.Original),
            Retrain = Models.Retrain is null ? null : value(Models.Retrain),
            Unit = "%",
            Definition = $"{Definition}; {rows}",
            Ideal = RetrainIdeal,
            Direction = MetricDirection.CloserToRetrain,
            N = n,
            Seed = Seed,
            Setting = Setting,
            Notes = found is not null ? "" : n == 0 ? "n/a: there are no such rows" : "n/a",
        };
    }

    /// <summary>A row of a share of n independent images: with Wilson's interval.</summary>
    /// <inheritdoc cref="Row" path="/param"/>
    public MetricResult Share(string name, string rows, int n, Func<Measurements, double?> value)
    {
        var row = Row(name, rows, n, value);
        return row with { Interval = Interval.Wilson(row.Value, row.N), IntervalBasis = row.Value is null ? NoRows : "Wilson" };
    }

    /// <summary>The four accuracies and the two harmonic means of the model itself or of a probe.</summary>
    /// <param name="select">The accuracies of a model.</param>
    /// <param name="zero">Whether 0 is known to be the ideal: retraining never predicts a class that it has not seen. A probe
    /// is shown the class, so only Retrain can tell.</param>
    public IEnumerable<MetricResult> Accuracies(Func<Measurements, ForgetAccuracies?> select, bool zero = false)
    {
        ArgumentNullException.ThrowIfNull(select);
        var (train, test) = (Models.Data.Train, Models.Data.Test);
        int forget = train.ForgottenRows, forgetTest = test.ForgottenRows;
        var own = select(Models.Erased);
        return
        [
            Forgetting("D_f", "training rows that the request names", forget, e => select(e)?.Forget, zero),
            Kept("D_r", "other training rows", train.Rows - forget, e => select(e)?.Remain),
            Forgetting("D_ft", "test rows of the forgotten classes", forgetTest, e => select(e)?.ForgetTest, zero),
            Kept("D_rt", "other test rows", test.Rows - forgetTest, e => select(e)?.RemainTest),
            Mean(
                "HM", "harmonic mean of 100 - D_f and D_r", train.Rows, e => select(e)?.HarmonicMean,
                ForgetAccuracies.MeanInterval(own?.Forget, forget, own?.Remain, train.Rows - forget), zero),
            Mean(
                "HM_t", "harmonic mean of 100 - D_ft and D_rt", test.Rows, e => select(e)?.HarmonicMeanTest,
                ForgetAccuracies.MeanInterval(own?.ForgetTest, forgetTest, own?.RemainTest, test.Rows - forgetTest), zero),
        ];
    }

    /// <summary>An accuracy on what is to be forgotten, with a verdict.</summary>
    /// <inheritdoc cref="Row" path="/param"/>
    /// <param name="zero">Whether 0 is known to be the ideal.</param>
    public MetricResult Forgetting(string name, string rows, int n, Func<Measurements, double?> value, bool zero = false)
    {
        var row = Share(name, rows, n, value) with
        {
            Ideal = zero ? "0" : RetrainIdeal,
            Direction = zero ? MetricDirection.Lower : MetricDirection.CloserToRetrain,
        };
        return Converged
            ? Judgement.Of(row, zero ? 0 : null, 100.0 / Models.Data.Classes, p => SamplingError.OfShare(p, n))
            : row with { Notes = row.Value is null ? row.Notes : "no verdict: the probe is far from converged" };
    }

    /// <summary>An accuracy on what is to be kept.</summary>
    /// <inheritdoc cref="Row" path="/param"/>
    public MetricResult Kept(string name, string rows, int n, Func<Measurements, double?> value) =>
        Share(name, rows, n, value) with { Ideal = KeptIdeal, Direction = MetricDirection.Higher };

    /// <summary>A harmonic mean of what is forgotten and what is kept.</summary>
    /// <inheritdoc cref="Row" path="/param"/>
    /// <param name="interval">Its interval: <see cref="ForgetAccuracies.MeanInterval"/>.</param>
    /// <param name="zero">Whether 0 is known to be the ideal accuracy on what is to be forgotten.</param>
    public MetricResult Mean(string name, string rows, int n, Func<Measurements, double?> value, Interval? interval, bool zero = false) =>
        Row(name, rows, n, value) with
        {
            Interval = interval,
            IntervalBasis = interval is null ? NoRows : "MOVER of two Wilson intervals",
            Ideal = zero ? "100" : RetrainIdeal,
            Direction = zero ? MetricDirection.Higher : MetricDirection.CloserToRetrain,
        };
}
