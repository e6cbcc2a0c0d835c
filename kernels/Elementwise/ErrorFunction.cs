namespace EscNative.Kernels.Cpu;

/// <summary>The error function in float64, which <see cref="Math"/> lacks.</summary>
internal static class ErrorFunction
{
    /// <summary>2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x; relative error about 1e-15.</summary>
    public static double Erf(double x)
    {
        var a = Math.Abs(x);
        if (double.IsNaN(a))
            return x;
        return Math.CopySign(a < 2.5 ? Series(a) : 1.0 - ContinuedFraction(a), x);
    }

    // 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 3 5 .. 2n+1): all terms positive, so nothing cancels.
    private static double Series(double x)
    {
        var term = x;
        var sum = x;
        for (var n = 1; term > sum * 1e-17; n++)
        {
            term *= 2.0 * x * x / (2 * n + 1);
            sum += term;
        }

        return 2.0 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    // erfc(x) = e^(-x^2) / sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), evaluated from the inside.
    private static double ContinuedFraction(double x)
    {
        if (x > 27.0)
            return 0.0;
        var denominator = x;
        for (var n = 60; n >= 1; n--)
            denominator = x + 0.5 * n / denominator;
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / denominator;
    }
}
