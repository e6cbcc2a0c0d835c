namespace EscNative.Unlearning.Statistics;

/// <summary>Class probabilities from logits, in float64.</summary>
internal static class Softmax
{
    /// <summary>log p_c of a row.</summary>
    /// <param name="logits">[classes].</param>
    /// <param name="result">[classes].</param>
    public static void Log(ReadOnlySpan<float> logits, Span<double> result)
    {
        var largest = (double)logits[Accuracy.IndexOfLargest(logits)];
        var sum = 0.0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - largest);
        var shift = largest + Math.Log(sum);
        for (var c = 0; c < logits.Length; c++)
            result[c] = logits[c] - shift;
    }

    /// <summary>log(1 - p) from log p, without losing the digits of a p near 1.</summary>
    public static double LogOfRest(double logP) => logP > -0.5 ? Math.Log(-double.ExpM1(logP)) : double.LogP1(-Math.Exp(logP));
}
