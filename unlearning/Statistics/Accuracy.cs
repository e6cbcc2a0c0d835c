namespace EscNative.Unlearning.Statistics;

/// <summary>Top-1 accuracy in per cent. An empty set has no accuracy: null, which is not 0.</summary>
public static class Accuracy
{
    /// <summary>The class with the largest logit in each row; of equal ones the first.</summary>
    /// <param name="logits">[n, classes], row-major.</param>
    /// <param name="classes">Columns.</param>
    /// <returns>n classes.</returns>
    /// <exception cref="EscException">BadInput: a ragged matrix, NaN or infinity.</exception>
    public static int[] Predict(ReadOnlySpan<float> logits, int classes)
    {
        if (classes < 1)
            throw Guard.Bad($"accuracy: got {classes} classes, wants 1 or more");
        Guard.CheckMatrix("accuracy", "logits", logits, logits.Length / classes, classes);
        var predictions = new int[logits.Length / classes];
        for (var row = 0; row < predictions.Length; row++)
            predictions[row] = IndexOfLargest(logits.Slice(row * classes, classes));
        return predictions;
    }

    /// <summary>How many predictions are right, in per cent.</summary>
    /// <param name="predictions">The predicted classes.</param>
    /// <param name="labels">The true classes.</param>
    /// <returns>Null if there are none.</returns>
    /// <exception cref="EscException">BadInput: not as many predictions as labels.</exception>
    public static double? Percent(ReadOnlySpan<int> predictions, ReadOnlySpan<int> labels)
    {
        Guard.CheckCount("accuracy", "predictions", predictions.Length, labels.Length);
        var hits = 0;
        for (var row = 0; row < labels.Length; row++)
            hits += predictions[row] == labels[row] ? 1 : 0;
        return labels.Length == 0 ? null : 100.0 * hits / labels.Length;
    }

    /// <summary>How many predictions are right, in per cent, among the rows of one side of a split.</summary>
    /// <param name="predictions">The predicted classes.</param>
    /// <param name="labels">The true classes.</param>
    /// <param name="forgotten">Which rows the request names.</param>
    /// <param name="side">True: count the rows that it names; false: the others.</param>
    /// <returns>Null if that side is empty.</returns>
    /// <exception cref="EscException">BadInput: lengths differ.</exception>
    public static double? Percent(ReadOnlySpan<int> predictions, ReadOnlySpan<int> labels, ReadOnlySpan<bool> forgotten, bool side)
    {
        Guard.CheckCount("accuracy", "predictions", predictions.Length, labels.Length);
        Guard.CheckCount("accuracy", "marks of forgotten rows", forgotten.Length, labels.Length);
        int hits = 0, rows = 0;
        for (var row = 0; row < labels.Length; row++)
        {
            if (forgotten[row] != side)
                continue;
            rows++;
            hits += predictions[row] == labels[row] ? 1 : 0;
        }

        return rows == 0 ? null : 100.0 * hits / rows;
    }

    /// <summary>The accuracy of each class, in per cent; null for a class without rows.</summary>
    /// <param name="predictions">The predicted classes.</param>
    /// <param name="labels">The true classes.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <exception cref="EscException">BadInput: lengths differ, a label that is not a class.</exception>
    public static double?[] PerClass(ReadOnlySpan<int> predictions, ReadOnlySpan<int> labels, int classes)
    {
        var matrix = new ConfusionMatrix(predictions, labels, classes);
        return [.. Enumerable.Range(0, classes).Select(matrix.AccuracyOf)];
    }

    internal static int IndexOfLargest(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }

        return best;
    }

    internal static int IndexOfLargest(ReadOnlySpan<double> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }

        return best;
    }
}
