using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics;

/// <summary>What a membership attack sees of a row: functions of the model's class probabilities p and the true class y.</summary>
/// <remarks>Computed from the logits in float64 by log-softmax, so that no probability is rounded to 0 or 1 first.</remarks>
internal sealed class MembershipSignals
{
    private readonly int _classes;

    private MembershipSignals(int rows, int classes)
    {
        _classes = classes;
        Loss = new double[rows];
        Correct = new double[rows];
        Confidence = new double[rows];
        Entropy = new double[rows];
        ModifiedEntropy = new double[rows];
        Probabilities = new double[rows * classes];
    }

    /// <summary>-log p_y: the cross-entropy.</summary>
    public double[] Loss { get; }

    /// <summary>1 where the prediction is right, else 0.</summary>
    public double[] Correct { get; }

    /// <summary>p_y.</summary>
    public double[] Confidence { get; }

    /// <summary>-sum_c p_c log p_c.</summary>
    public double[] Entropy { get; }

    /// <summary>-(1 - p_y) log p_y - sum_(c != y) p_c log(1 - p_c) (Song and Mittal, 2021).</summary>
    public double[] ModifiedEntropy { get; }

    /// <summary>p, [n, classes].</summary>
    public double[] Probabilities { get; }

    /// <summary>How many rows.</summary>
    public int Rows => Loss.Length;

    /// <summary>Computes them for some rows of a set.</summary>
    /// <param name="split">The set, with logits.</param>
    /// <param name="rows">Which rows.</param>
    public static MembershipSignals Of(FeatureSplit split, ReadOnlySpan<int> rows)
    {
        var signals = new MembershipSignals(rows.Length, split.Classes);
        for (var i = 0; i < rows.Length; i++)
            signals.Add(i, split.Logits.AsSpan(rows[i] * split.Classes, split.Classes), split.Labels[rows[i]]);
        return signals;
    }

    private void Add(int row, ReadOnlySpan<float> logits, int label)
    {
        Span<double> logP = _classes <= 256 ? stackalloc double[_classes] : new double[_classes];
        Softmax.Log(logits, logP);
        double entropy = 0, modified = 0;
        for (var c = 0; c < _classes; c++)
        {
            var p = Math.Exp(logP[c]);
            Probabilities[(row * _classes) + c] = p;
            entropy -= p == 0 ? 0 : p * logP[c];
            // A p of exactly 1 leaves log 0: the least rest that a double beside 1 shows stands in.
            modified -= c == label ? -double.ExpM1(logP[c]) * logP[c] : p * Math.Max(Softmax.LogOfRest(logP[c]), Math.Log(double.Epsilon));
        }

        Loss[row] = -logP[label];
        Correct[row] = Accuracy.IndexOfLargest(logits) == label ? 1 : 0;
        Confidence[row] = Math.Exp(logP[label]);
        Entropy[row] = entropy;
        ModifiedEntropy[row] = modified;
    }
}
