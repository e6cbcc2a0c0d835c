namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>Distances between the class probabilities of two models on the same rows, from log-probabilities in float64.</summary>
internal static class Divergence
{
    /// <summary>KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2, natural logarithm: 0 .. ln 2.</summary>
    /// <param name="logP">[classes].</param>
    /// <param name="logQ">[classes].</param>
    public static double JensenShannon(ReadOnlySpan<double> logP, ReadOnlySpan<double> logQ)
    {
        var sum = 0.0;
        for (var c = 0; c < logP.Length; c++)
        {
            var logM = LogMean(logP[c], logQ[c]);
            sum += Term(logP[c], logM) + Term(logQ[c], logM);
        }

        // Rounding may leave the bounds by an ulp.
        return Math.Clamp(sum / 2, 0, Math.Log(2));
    }

    /// <summary>The same with both Kullback-Leibler divergences the wrong way round: KL(m || p) / 2 + KL(m || q) / 2.</summary>
    /// <param name="logP">[classes].</param>
    /// <param name="logQ">[classes].</param>
    public static double Reversed(ReadOnlySpan<double> logP, ReadOnlySpan<double> logQ)
    {
        var sum = 0.0;
        for (var c = 0; c < logP.Length; c++)
        {
            var logM = LogMean(logP[c], logQ[c]);
            sum += Term(logM, logP[c]) + Term(logM, logQ[c]);
        }

        return sum / 2;
    }

    /// <summary>|p - q|, Euclidean: 0 .. sqrt(2).</summary>
    /// <param name="logP">[classes].</param>
    /// <param name="logQ">[classes].</param>
    public static double Euclidean(ReadOnlySpan<double> logP, ReadOnlySpan<double> logQ)
    {
        var sum = 0.0;
        for (var c = 0; c < logP.Length; c++)
        {
            var difference = Math.Exp(logP[c]) - Math.Exp(logQ[c]);
            sum += difference * difference;
        }

        return Math.Sqrt(sum);
    }

    // p (log p - log q), and 0 where p is 0.
    private static double Term(double logP, double logQ)
    {
        var p = Math.Exp(logP);
        return p == 0 ? 0 : p * (logP - logQ);
    }

    // log((e^a + e^b) / 2).
    private static double LogMean(double a, double b) => a == b ? a :
        Math.Max(a, b) + double.LogP1(Math.Exp(-Math.Abs(a - b))) - Math.Log(2);
}
