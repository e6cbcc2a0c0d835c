namespace EscNative.Unlearning.Features;

/// <summary>Shrinks a covariance matrix towards a sphere, by the optimal linear rule of random-matrix theory.</summary>
internal static class Shrinkage
{
    /// <summary>
    /// a S + b T with T = I tr(S) / d, which is optimal in the Frobenius norm as d and n grow together (Bodnar, Gupta and
    /// Parolya, arXiv 1308.2608): a = 1 - tr(S)² |T|² / n / (|S|² |T|² - tr(S T)²), b = (1 - a) tr(S T) / |T|².
    /// </summary>
    /// <remarks>a is kept in [0, 1]: the formula leaves that range for a sphere, and for fewer rows than the theory is about.</remarks>
    /// <param name="covariance">S, [d, d], the scatter divided by n; changed in place.</param>
    /// <param name="width">d.</param>
    /// <param name="count">n.</param>
    /// <returns>a: 1 is no shrinkage.</returns>
    public static double Apply(Span<double> covariance, int width, long count)
    {
        var trace = MatrixMath.Trace(covariance, width);
        var target = trace / width;
        var norm = 0.0;
        foreach (var value in covariance)
            norm += value * value;
        var targetNorm = target * target * width;
        var product = target * trace;
        var spread = (norm * targetNorm) - (product * product);
        var a = spread > 0 ? Math.Clamp(1 - (trace * trace * targetNorm / count / spread), 0, 1) : 0;
        for (var i = 0; i < covariance.Length; i++)
            covariance[i] *= a;
        for (var i = 0; i < width; i++)
            covariance[(i * width) + i] += (1 - a) * target;
        return a;
    }
}
