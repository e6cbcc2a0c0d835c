using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Every metric of an erased model beside the Original's and, where there is one, Retrain's.</summary>
public sealed class MetricReport
{
    private MetricReport(IReadOnlyList<MetricResult> rows) => Rows = rows;

    /// <summary>The rows, one number each, grouped by metric.</summary>
    public IReadOnlyList<MetricResult> Rows { get; }

    /// <summary>One number by its metric and name ("KR-strong", "D_f"); null if it is not in the report.</summary>
    public MetricResult? Find(string metric, string name) => Rows.FirstOrDefault(r => r.Metric == metric && r.Name == name);

    /// <summary>Puts evaluations of the same rows under the same options beside each other.</summary>
    /// <param name="original">The model before erasure.</param>
    /// <param name="erased">The model after it.</param>
    /// <param name="retrain">A model that was trained without the forgotten data.</param>
    /// <exception cref="EscException">BadInput: other rows, labels, request or options.</exception>
    public static MetricReport Compare(Evaluation original, Evaluation erased, Evaluation? retrain = null)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(erased);
        CheckComparable(original, erased, "erased");
        if (retrain is not null)
            CheckComparable(original, retrain, "Retrain");
        var rows = new MetricRows(original, erased, retrain);
        AddModel(rows, erased);
        rows.AddLossAttack();
        rows.AddMemberShares();
        rows.AddThresholdAttacks();
        rows.AddAverageGap();
        rows.AddZrf();
        AddLinearProbes(rows, erased);
        AddOtherProbes(rows, erased);
        rows.AddSimilarities();
        rows.AddRelearning();
        return new MetricReport(rows.All);
    }

    private static void AddModel(MetricRows rows, Evaluation erased)
    {
        if (erased.Accuracies is not null)
        {
            rows.AddAccuracies(
                new("accuracy", "top-1 accuracy of the model itself (ESC, section 4.1)"), e => e.Accuracies, erased.Data.ForgetsWholeClasses);
        }
    }

    private static void AddLinearProbes(MetricRows rows, Evaluation erased)
    {
        var seed = erased.Options.Official.Seed;
        rows.AddAccuracies(
            new("KR-official", "accuracy of a new linear head, trained as the paper does, far from converged (ESC, section 3.2.3)", seed,
                erased.Official.Setting, Converged: false),
            e => e.Official.Accuracies);
        if (erased.LearningRate01 is { } fast)
        {
            rows.AddAccuracies(
                new("KR-lr0.1", "accuracy of the paper's probe at learning rate 0.1 (follow-up work of ESC)", seed, fast.Setting,
                    Converged: false),
                e => e.LearningRate01?.Accuracies);
        }

        var strong = erased.Strong;
        rows.AddAccuracies(
            new("KR-strong", "accuracy of the linear head, trained to convergence, that recovers most of D_f in a sweep (the attacker's choice)",
                erased.Options.Strong.SgdLearningRates.Count > 0 ? erased.Options.Strong.Seed : null,
                $"{strong.Best.Setting}, best of {strong.Sweep.Count}"),
            e => e.Strong.Best.Accuracies);
    }

    private static void AddOtherProbes(MetricRows rows, Evaluation erased)
    {
        if (erased.Mlp is { } mlp)
        {
            rows.AddAccuracies(
                new("MLP probe", "accuracy of a two-layer network on standardised features", erased.Options.MlpProbe!.Seed, mlp.Setting),
                e => e.Mlp?.Accuracies);
        }

        rows.AddAuc(new(
            "binary probe", "area under the ROC curve of a balanced logistic regression, forgotten against rest, on standardised features",
            null, erased.Binary.Converged ? "" : "not converged"));
        var (options, neighbours) = (erased.Options.Neighbours, erased.Neighbours);
        rows.AddNeighbours(new(
            $"{options.Neighbours}-NN", $"accuracy of a majority vote of the {neighbours.Neighbours} training rows most similar by cosine",
            neighbours.Subsampled ? options.Seed : null,
            neighbours.Subsampled ? $"{neighbours.Queries} of {erased.Data.Test.Rows} test rows, drawn" : ""));
        rows.AddAccuracies(
            new("class mean", "accuracy of the nearest class mean of the training features, Euclidean"), e => e.ClassMean);
    }

    private static void CheckComparable(Evaluation original, Evaluation other, string name)
    {
        if (!original.Data.SameRowsAs(other.Data))
            throw Guard.Bad($"metric report: the Original and {name} have other rows, labels or forgotten rows; wants the same of both");
        if (original.Options != other.Options)
            throw Guard.Bad($"metric report: the Original and {name} were measured under other options; wants the same for both");
    }
}
