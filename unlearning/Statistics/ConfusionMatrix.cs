namespace EscNative.Unlearning.Statistics;

/// <summary>How often each class was taken for each: after an erasure it shows where the forgotten images went.</summary>
public sealed class ConfusionMatrix
{
    private readonly int[] _counts;

    /// <summary>Counts.</summary>
    /// <param name="predictions">The predicted classes.</param>
    /// <param name="labels">The true classes.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <exception cref="EscException">BadInput: lengths differ, a number that is not a class.</exception>
    public ConfusionMatrix(ReadOnlySpan<int> predictions, ReadOnlySpan<int> labels, int classes)
    {
        Guard.CheckCount("confusion matrix", "predictions", predictions.Length, labels.Length);
        Guard.CheckLabels("confusion matrix", labels, classes);
        Guard.CheckLabels("confusion matrix, predictions", predictions, classes);
        Classes = classes;
        _counts = new int[classes * classes];
        for (var row = 0; row < labels.Length; row++)
            _counts[(labels[row] * classes) + predictions[row]]++;
    }

    /// <summary>How many classes there are.</summary>
    public int Classes { get; }

    /// <summary>How many rows of class <paramref name="label"/> were predicted as <paramref name="predicted"/>.</summary>
    public int this[int label, int predicted] => Row(label)[predicted];

    /// <summary>Where the rows of a class went: a count for each predicted class.</summary>
    public ReadOnlySpan<int> Row(int label) => _counts.AsSpan(label * Classes, Classes);

    /// <summary>The accuracy of a class in per cent; null if it has no rows.</summary>
    public double? AccuracyOf(int label)
    {
        var total = 0;
        foreach (var count in Row(label))
            total += count;
        return total == 0 ? null : 100.0 * Row(label)[label] / total;
    }
}
