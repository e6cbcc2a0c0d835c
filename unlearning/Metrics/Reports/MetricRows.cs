using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Similarity;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Builds the rows of a report.</summary>
internal sealed class MetricRows(Evaluation original, Evaluation erased, Evaluation? retrain)
{
    private const string Wilson = "Wilson";
    private const string HanleyMcNeil = "Hanley and McNeil";
    private const string NormalMean = "normal, of a mean";
    private const string NoRows = "none: there are no such rows";
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
        var own = select(erased);
        AddMean(
            group, "HM", "harmonic mean of 100 - D_f and D_r", trainRows, e => select(e)?.HarmonicMean, zero,
            ForgetAccuracies.MeanInterval(own?.Forget, forget, own?.Remain, trainRows - forget));
        AddMean(
            group, "HM_t", "harmonic mean of 100 - D_ft and D_rt", testRows, e => select(e)?.HarmonicMeanTest, zero,
            ForgetAccuracies.MeanInterval(own?.ForgetTest, forgetTest, own?.RemainTest, testRows - forgetTest));
    }

    /// <summary>The accuracies of the nearest neighbours, which only test rows are asked for.</summary>
    public void AddNeighbours(Group group)
    {
        var (all, forget) = (erased.Neighbours.Queries, erased.Neighbours.ForgetQueries);
        AddForgetting(group, "D_ft", "test rows of the forgotten classes", forget, e => e.Neighbours.ForgetTest, zero: false);
        AddKept(group, "D_rt", "other test rows", all - forget, e => e.Neighbours.RemainTest);
        AddMean(
            group, "HM_t", "harmonic mean of 100 - D_ft and D_rt", all, e => e.Neighbours.HarmonicMeanTest, zero: false,
            ForgetAccuracies.MeanInterval(erased.Neighbours.ForgetTest, forget, erased.Neighbours.RemainTest, all - forget));
    }

    /// <summary>The area under the curve of the binary probe.</summary>
    public void AddAuc(Group group)
    {
        var (positives, negatives) = (erased.Binary.Positives, erased.Binary.Negatives);
        var row = Row(group, "AUC", "test rows", positives + negatives, e => e.Binary.Auc) with
        {
            Unit = "",
            Interval = Interval.HanleyMcNeil(erased.Binary.Auc, positives, negatives),
            IntervalBasis = HanleyMcNeil,
        };
        _rows.Add(Judgement.Of(row, null, 0.5, auc => SamplingError.OfAuc(auc, positives, negatives)));
    }

    /// <summary>The membership attack of table 1.</summary>
    public void AddLossAttack()
    {
        if (erased.LossAttack is not { } attack)
            return;
        var group = new Group(
            "MIA", "accuracy of a logistic regression on the loss, D_f against unseen images; Retrain's value is the reference, not 50 (ESC, table 1)",
            erased.Options.LossAttack.Seed, $"mean of {attack.Splits.Count} splits");
        var row = Row(group, "accuracy", $"{attack.Members} members and as many others", 2 * attack.Members, e => e.LossAttack?.Score) with
        {
            Interval = Interval.Wilson(attack.Score, attack.TestedRows),
            IntervalBasis = attack.Score is null ? "none: too few rows to split" : $"Wilson over {attack.TestedRows} tested rows",
        };
        // Members that lose more than unseen images stand out as well, but not because they are remembered.
        _rows.Add(Judgement.Of(
            row, null, null, p => SamplingError.OfShare(p, Math.Max(1, attack.TestedRows)),
            forgetful: attack.Coefficient > 0 && row.Value > row.Retrain));
    }

    /// <summary>Membership by thresholds.</summary>
    public void AddThresholdAttacks()
    {
        for (var i = 0; i < erased.ThresholdAttacks.Count; i++)
        {
            var (index, attack) = (i, erased.ThresholdAttacks[i]);
            var group = new Group(
                "threshold attack", $"a threshold on the {attack.Signal}, D_f against unseen images (Song and Mittal, 2021)", erased.Options.Seed);
            var n = attack.Members + attack.NonMembers;
            var area = Row(group, $"{attack.Signal}, AUC", "area under the ROC curve", n, e => e.ThresholdAttacks[index].Auc) with
            {
                Unit = "",
                Interval = Interval.HanleyMcNeil(attack.Auc, attack.Members, attack.NonMembers),
                IntervalBasis = attack.Auc is null ? NoRows : HanleyMcNeil,
            };
            _rows.Add(Judgement.Of(area, null, 0.5, auc => SamplingError.OfAuc(auc, attack.Members, attack.NonMembers)));
            var found = Row(
                group, $"{attack.Signal}, TPR", "members found at 1 % false positives", n, e => e.ThresholdAttacks[index].TruePositives) with
            {
                Interval = attack.Interval,
                IntervalBasis = attack.Interval is null ? NoRows : "bootstrap, 400 resamples of both sides",
            };
            _rows.Add(found with { Notes = found.Value is null ? found.Notes : "" });
        }
    }

    /// <summary>Who takes D_f for training data.</summary>
    public void AddMemberShares()
    {
        var n = _data.Train.ForgottenRows;
        for (var i = 0; i < erased.MemberShares.Count; i++)
        {
            var (index, share) = (i, erased.MemberShares[i]);
            var group = new Group(
                "member share", "share of D_f taken for training data by an attacker who knows D_r and test images (ESC, table 5)",
                erased.Options.MemberShare!.Seed, share.Setting);
            var row = WithWilson(Row(group, share.Attack, "training rows that the request names", n, e => e.MemberShares[index].Percent));
            _rows.Add(Judgement.Of(row, null, null, p => SamplingError.OfShare(p, n)));
        }
    }

    /// <summary>The zero-retrain forgetting score.</summary>
    public void AddZrf()
    {
        if (erased.Zrf is not { } zrf)
            return;
        Add("ZRF", "1 - mean JS divergence from a network with random weights, over D_f (Chundawat et al.)", zrf.Score, e => e.Zrf?.Score.Mean);
        Add(
            "ZRF-code", "the same as its published code computes it: divergences reversed, and divided by the number of classes", zrf.AsCoded,
            e => e.Zrf?.AsCoded.Mean);

        void Add(string metric, string definition, MeanValue own, Func<Evaluation, double?> value)
        {
            var row = Row(new Group(metric, definition, zrf.Seed), "D_f", "training rows that the request names", own.Rows, value) with
            {
                Unit = "",
                Interval = own.Interval,
                IntervalBasis = own.Interval is null ? "none: fewer than two rows" : NormalMean,
            };
            var error = own.Interval is { } i ? (i.High - i.Low) / 4 : 0;
            _rows.Add(Judgement.Of(row, null, null, _ => error, forgetful: true));
        }
    }

    /// <summary>How alike the models are, on D_f and D_r.</summary>
    public void AddSimilarities()
    {
        if (retrain is not null)
            AddSimilarity("Retrain", retrain);
        // A model that is measured alone has none.
        if (!ReferenceEquals(original, erased))
            AddSimilarity("Original", original);
    }

    /// <summary>Avg Gap, where there is a Retrain to be near to.</summary>
    public void AddAverageGap()
    {
        if (retrain is null || erased.MemberShares.Count == 0)
            return;
        const string Attack = "SVC confidence";
        var n = _data.Train.Rows + _data.Test.Rows;
        var group = new Group("Avg Gap", $"mean distance from Retrain of D_f, D_r, D_t and the member share by {Attack} (ESC, table 5)");
        _rows.Add(Row(group, "gap", "in points", n, e => AverageGap.Of(Values(e), Values(retrain))) with
        {
            Ideal = "0",
            Direction = MetricDirection.Lower,
            IntervalBasis = "none: a mean of absolute differences has no closed form",
        });

        double?[] Values(Evaluation e) =>
            [e.Accuracies?.Forget, e.Accuracies?.Remain, e.Data.TestAccuracy, e.MemberShares.FirstOrDefault(s => s.Attack == Attack)?.Percent];
    }

    /// <summary>What comes back by fine-tuning and by prototypes.</summary>
    public void AddRelearning()
    {
        if (erased.Relearning is not { } relearning)
            return;
        var options = erased.Options.Relearning!;
        var sgd = FormattableString.Invariant($"SGD, learning rate {options.LearningRate}, momentum {options.Momentum}, batch {options.Batch}");
        Add("relearning on D_r", "accuracy after steps of fine-tuning on D_r alone (arXiv 2505.22310)", sgd, r => r.OnRemain);
        Add(
            "relearning on samples", $"accuracy after steps of fine-tuning on {relearning.Samples} images of the forgotten classes",
            $"{sgd}, {relearning.Samples} images", r => r.OnSamples);
        Add(
            "prototype attack", $"accuracy with the head's forgotten rows replaced by the mean feature of {relearning.Samples} images (after arXiv 2506.01318)",
            $"{relearning.Samples} images", r => [r.Prototypes]);

        void Add(string metric, string definition, string setting, Func<RelearningResult, IReadOnlyList<RelearningPoint>> select)
        {
            var group = new Group(metric, definition, options.Seed, setting);
            var points = select(relearning);
            for (var i = 0; i < points.Count; i++)
            {
                var (index, last) = (i, i == points.Count - 1);
                var after = points.Count == 1 ? "" : $", {points[i].Steps} steps";
                Point("D_f", "training rows that the request names", relearning.ForgetImages, r => select(r)[index].Forget, true);
                if (!last)
                    continue;
                Point("D_ft", "test rows of the forgotten classes", relearning.ForgetTestImages, r => select(r)[index].ForgetTest, true);
                Point("D_rt", "other test rows: what the attack costs", relearning.RemainTestImages, r => select(r)[index].RemainTest, false);

                void Point(string name, string rows, int n, Func<RelearningResult, double?> value, bool judged)
                {
                    var row = WithWilson(Row(group, name + after, rows, n, e => e.Relearning is { } r ? value(r) : null));
                    if (row.Value is null && n > 0)
                        row = row with { IntervalBasis = "none: it diverged", Notes = "n/a: it diverged" };
                    _rows.Add(judged ? Judgement.Of(row, null, null, p => SamplingError.OfShare(p, n)) : row);
                }
            }
        }
    }

    private void AddSimilarity(string name, Evaluation reference)
    {
        var options = erased.Options.Similarity;
        var found = new Dictionary<(Evaluation, bool), ModelSimilarity>();
        Add("JS", "mean Jensen-Shannon divergence of the class probabilities", s => s.JensenShannon, "0", MetricDirection.Lower);
        Add(
            "activation distance", "mean Euclidean distance of the class probabilities", s => s.ActivationDistance, "0", MetricDirection.Lower);
        Add(
            "CKA", "linear centred kernel alignment of the features", s => new MeanValue(s.Cka.Value, s.Cka.Interval, s.Cka.Rows), "1",
            MetricDirection.Higher, "jackknife over tenths of the rows");

        ModelSimilarity Of(Evaluation e, bool forgotten)
        {
            if (!found.TryGetValue((e, forgotten), out var similarity))
                found[(e, forgotten)] = similarity = ModelSimilarity.Of(e.Data, reference.Data, forgotten, options);
            return similarity;
        }

        void Add(
            string metric, string definition, Func<ModelSimilarity, MeanValue?> select, string ideal, MetricDirection direction,
            string basis = NormalMean)
        {
            var forget = _data.Train.ForgottenRows;
            foreach (var (side, forgotten, rows) in new[] { ("D_f", true, forget), ("D_r", false, _data.Train.Rows - forget) })
            {
                if (rows == 0 || select(Of(erased, forgotten)) is not { } own)
                    continue;
                var drawn = own.Rows < rows;
                var group = new Group(
                    $"{metric} to {name}", definition, drawn ? options.Seed : null, drawn ? $"{side}: {own.Rows} rows, drawn" : "");
                // A forgotten row must move away from the Original, as far as Retrain's.
                var alike = name == "Retrain" || !forgotten;
                _rows.Add(Row(
                    group, side, forgotten ? "training rows that the request names" : "other training rows", own.Rows, e => select(Of(e, forgotten))?.Mean) with
                {
                    Unit = "",
                    Ideal = alike ? ideal : RetrainIdeal,
                    Direction = alike ? direction : MetricDirection.CloserToRetrain,
                    Interval = own.Interval,
                    IntervalBasis = own.Interval is null ? "none: too few rows, or a side that does not vary" : basis,
                });
            }
        }
    }

    private void AddForgetting(Group group, string name, string rows, int n, Func<Evaluation, double?> value, bool zero)
    {
        var row = WithWilson(Row(group, name, rows, n, value)) with
        {
            Ideal = zero ? "0" : RetrainIdeal,
            Direction = zero ? MetricDirection.Lower : MetricDirection.CloserToRetrain,
        };
        _rows.Add(group.Converged
            ? Judgement.Of(row, zero ? 0 : null, 100.0 / _data.Classes, p => SamplingError.OfShare(p, n))
            : row with { Notes = row.Value is null ? row.Notes : "no verdict: the probe is far from converged" });
    }

    private void AddKept(Group group, string name, string rows, int n, Func<Evaluation, double?> value) =>
        _rows.Add(WithWilson(Row(group, name, rows, n, value)) with { Ideal = KeptIdeal, Direction = MetricDirection.Higher });

    private void AddMean(
        Group group, string name, string rows, int n, Func<Evaluation, double?> value, bool zero, Interval? interval) =>
        _rows.Add(Row(group, name, rows, n, value) with
        {
            Interval = interval,
            IntervalBasis = interval is null ? NoRows : "MOVER of two Wilson intervals",
            Ideal = zero ? "100" : RetrainIdeal,
            Direction = zero ? MetricDirection.Higher : MetricDirection.CloserToRetrain,
        });

    private static MetricResult WithWilson(MetricResult row) => row with
    {
        Interval = Interval.Wilson(row.Value, row.N),
        IntervalBasis = row.Value is null ? NoRows : Wilson,
    };

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
