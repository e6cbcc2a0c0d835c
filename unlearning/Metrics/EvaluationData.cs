using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics;

/// <summary>What one model makes of the training and the test images: the input of every metric.</summary>
public sealed class EvaluationData
{
    private MembershipSignals? _forget;
    private MembershipSignals? _unseen;

    /// <summary>Joins the two sets.</summary>
    /// <param name="train">Training images, by the test transform.</param>
    /// <param name="test">Test images.</param>
    /// <exception cref="EscException">BadInput: widths or numbers of classes differ, or there is no training row.</exception>
    public EvaluationData(FeatureSplit train, FeatureSplit test)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        if (train.Width != test.Width || train.Classes != test.Classes)
        {
            throw Guard.Bad(
                $"evaluation: training features have {train.Width} columns and {train.Classes} classes, test features {test.Width} and " +
                $"{test.Classes}; wants both from one model");
        }

        if (train.Rows == 0)
            throw Guard.Bad("evaluation: got no training rows, wants features to train the probes on");
        Train = train;
        Test = test;
        ForgetsWholeClasses = WholeClasses(train);
    }

    /// <summary>Training images: D_f and D_r.</summary>
    public FeatureSplit Train { get; }

    /// <summary>Test images: D_ft and D_rt.</summary>
    public FeatureSplit Test { get; }

    /// <summary>d, columns of the features.</summary>
    public int Width => Train.Width;

    /// <summary>How many classes there are.</summary>
    public int Classes => Train.Classes;

    /// <summary>Whether every class is forgotten whole or not at all: then the ideal accuracy on D_f is 0, else Retrain's.</summary>
    public bool ForgetsWholeClasses { get; }

    /// <summary>The accuracies of the model's own logits; null if either set came without them.</summary>
    public ForgetAccuracies? Accuracies => Train.Logits is null || Test.Logits is null
        ? null
        : ForgetAccuracies.Of(this, Accuracy.Predict(Train.Logits, Classes), Accuracy.Predict(Test.Logits, Classes));

    /// <summary>Runs a model over the training and the test images, by the test transform.</summary>
    /// <param name="model">The model, which computes as in evaluation mode; not changed.</param>
    /// <param name="split">The images, cut along the request.</param>
    /// <param name="progress">Told the share of the images that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels between batches.</param>
    public static EvaluationData Of(
        Classifier model, ForgetSplit split, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(split);
        var (train, test) = (split.Data.Train, split.Data.Test);
        var all = (double)train.Count + test.Count;
        return new EvaluationData(Side(train, split.Forget, 0), Side(test, split.ForgetTest, train.Count));

        FeatureSplit Side(ImageSet images, ImageSet forget, int before)
        {
            var share = progress is null ? null : new SynchronousProgress<int>(done => progress.Report((before + done) / all));
            var bank = FeatureBank.Extract(model, images, progress: share, cancel: cancel);
            var named = Enumerable.Range(0, forget.Count).Select(forget.Id).ToHashSet();
            var marks = Enumerable.Range(0, images.Count).Select(i => named.Contains(images.Id(i))).ToArray();
            return new FeatureSplit(bank.Features, bank.Width, bank.Labels, bank.Classes, marks, bank.Logits);
        }
    }

    /// <summary>D_t: the accuracy on the whole test set, in per cent; null without logits or without test rows.</summary>
    public double? TestAccuracy => Test.Logits is null ? null : Accuracy.Percent(Accuracy.Predict(Test.Logits, Classes), Test.Labels);

    /// <summary>The cross-entropy of every row of D_f.</summary>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    public IReadOnlyList<double> ForgetLosses => ForgetSignals.Loss;

    /// <summary>The cross-entropy of rows that no training saw: D_ft, or all test rows where the request names single images.</summary>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    public IReadOnlyList<double> UnseenLosses => UnseenSignals.Loss;

    /// <summary>What membership attacks see of D_f; computed once.</summary>
    internal MembershipSignals ForgetSignals => _forget ??= MembershipSignals.Of(Train, MembershipRows.Of(this, "losses").Members);

    /// <summary>What they see of rows that no training saw; computed once.</summary>
    internal MembershipSignals UnseenSignals => _unseen ??= MembershipSignals.Of(Test, MembershipRows.Of(this, "losses").NonMembers);

    /// <summary>Whether both sets came with logits.</summary>
    internal bool HasLogits => Train.Logits is not null && Test.Logits is not null;

    /// <summary>Whether both hold the same images and the same request.</summary>
    internal bool SameRowsAs(EvaluationData other) =>
        Classes == other.Classes && SameRows(Train, other.Train) && SameRows(Test, other.Test);

    private static bool SameRows(FeatureSplit a, FeatureSplit b) =>
        a.Labels.AsSpan().SequenceEqual(b.Labels) && a.Forgotten.AsSpan().SequenceEqual(b.Forgotten);

    private static bool WholeClasses(FeatureSplit split)
    {
        var (named, kept) = (new bool[split.Classes], new bool[split.Classes]);
        for (var row = 0; row < split.Rows; row++)
            (split.Forgotten[row] ? named : kept)[split.Labels[row]] = true;
        return split.ForgottenRows > 0 && !named.Zip(kept).Any(c => c.First && c.Second);
    }
}
