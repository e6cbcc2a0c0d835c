using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics;

/// <summary>
/// The paper's four accuracies and their harmonic means, in per cent (ESC, section 4.1). A set without rows has no accuracy:
/// null. When a request names single images, no test image is forgotten; then <see cref="RemainTest"/> is D_t, the accuracy on
/// the whole test set.
/// </summary>
/// <param name="Forget">D_f: training images that the request names.</param>
/// <param name="Remain">D_r: the other training images.</param>
/// <param name="ForgetTest">D_ft: test images of the forgotten classes.</param>
/// <param name="RemainTest">D_rt: the other test images.</param>
public sealed record ForgetAccuracies(double? Forget, double? Remain, double? ForgetTest, double? RemainTest)
{
    /// <summary>HM = 2 (100 - D_f) D_r / ((100 - D_f) + D_r): high when the request is forgotten and the rest is kept.</summary>
    public double? HarmonicMean => Combine(Forget, Remain);

    /// <summary>HM_t: the same of D_ft and D_rt.</summary>
    public double? HarmonicMeanTest => Combine(ForgetTest, RemainTest);

    /// <summary>The harmonic mean of what is forgotten and what is kept.</summary>
    /// <param name="forget">Accuracy on forgotten rows, in per cent.</param>
    /// <param name="remain">Accuracy on the other rows, in per cent.</param>
    /// <returns>0 when both terms are 0; null when either is unknown.</returns>
    public static double? Combine(double? forget, double? remain)
    {
        if (forget is not { } f || remain is not { } r)
            return null;
        var forgotten = 100 - f;
        return forgotten + r == 0 ? 0 : 2 * forgotten * r / (forgotten + r);
    }

    /// <summary>
    /// The interval of the harmonic mean of what is forgotten and what is kept, from the intervals of both accuracies
    /// (MOVER: Zou and Donner, 2008): it falls with the first and rises with the second.
    /// </summary>
    /// <param name="forget">Accuracy on forgotten rows, in per cent.</param>
    /// <param name="forgetRows">How many.</param>
    /// <param name="remain">Accuracy on the other rows, in per cent.</param>
    /// <param name="remainRows">How many.</param>
    public static Interval? MeanInterval(double? forget, int forgetRows, double? remain, int remainRows)
    {
        if (Interval.Wilson(forget, forgetRows) is not { } f || Interval.Wilson(remain, remainRows) is not { } r)
            return null;
        var mean = Combine(forget, remain)!.Value;
        double Distance(double? a, double? b) => Math.Sqrt(Square(mean - a!.Value) + Square(mean - b!.Value));
        var below = Distance(Combine(f.High, remain), Combine(forget, r.Low));
        var above = Distance(Combine(f.Low, remain), Combine(forget, r.High));
        return new Interval(mean - below, mean + above).Within(0, 100);

        static double Square(double x) => x * x;
    }

    /// <summary>The four accuracies of given predictions.</summary>
    /// <param name="data">The labels and the split.</param>
    /// <param name="trainPredictions">The predicted class of every training row.</param>
    /// <param name="testPredictions">The predicted class of every test row.</param>
    /// <exception cref="EscException">BadInput: not as many predictions as rows.</exception>
    public static ForgetAccuracies Of(EvaluationData data, ReadOnlySpan<int> trainPredictions, ReadOnlySpan<int> testPredictions)
    {
        ArgumentNullException.ThrowIfNull(data);
        FeatureSplit train = data.Train, test = data.Test;
        return new ForgetAccuracies(
            Accuracy.Percent(trainPredictions, train.Labels, train.Forgotten, side: true),
            Accuracy.Percent(trainPredictions, train.Labels, train.Forgotten, side: false),
            Accuracy.Percent(testPredictions, test.Labels, test.Forgotten, side: true),
            Accuracy.Percent(testPredictions, test.Labels, test.Forgotten, side: false));
    }

    /// <summary>The four accuracies of a linear classifier of the features.</summary>
    /// <param name="data">The features, the labels and the split.</param>
    /// <param name="head">The classifier.</param>
    /// <exception cref="EscException">BadInput: another number of columns.</exception>
    public static ForgetAccuracies Of(EvaluationData data, LinearHead head)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(head);
        return Of(data, head.Predict(data.Train), head.Predict(data.Test));
    }
}
