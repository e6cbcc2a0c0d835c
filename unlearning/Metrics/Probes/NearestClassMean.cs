using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>The nearest-class-mean probe: every row takes the class whose mean training feature is nearest (Euclidean).</summary>
public static class NearestClassMean
{
    /// <summary>Classifies training and test rows by the class means of the training rows, forgotten ones included.</summary>
    /// <param name="data">Features of the model under test.</param>
    /// <returns>The paper's four accuracies of this classifier.</returns>
    public static ForgetAccuracies Run(EvaluationData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return ForgetAccuracies.Of(data, Head(data.Train));
    }

    /// <summary>|z - m|² is smallest where z·m - |m|² / 2 is largest: a linear classifier.</summary>
    private static LinearHead Head(FeatureSplit train)
    {
        int width = train.Width, classes = train.Classes;
        var (means, offsets, counts) = (new double[classes * width], new double[classes], new int[classes]);
        for (var row = 0; row < train.Rows; row++)
        {
            var mean = means.AsSpan(train.Labels[row] * width, width);
            var z = train.Row(row);
            for (var j = 0; j < width; j++)
                mean[j] += z[j];
            counts[train.Labels[row]]++;
        }

        for (var c = 0; c < classes; c++)
        {
            var mean = means.AsSpan(c * width, width);
            for (var j = 0; j < width && counts[c] > 0; j++)
                mean[j] /= counts[c];
            // A class without rows has no mean and is never predicted.
            offsets[c] = counts[c] > 0 ? -Lbfgs.Dot(mean, mean) / 2 : double.NegativeInfinity;
        }

        return new LinearHead(means, offsets, Standardiser.Identity(width));
    }
}
