using EscNative.Models;
using EscNative.Models.Erasure;

namespace EscNative.Tests.Oracles;

/// <summary>What a mask of ESC-T makes of the accuracies, from the original model's features, in float64.</summary>
internal static class MaskedAccuracy
{
    /// <summary>The head that gives on raw features what the given head gives on masked ones.</summary>
    public static (double[] Weight, double[] Bias) Fold(double[] basis, float[] mask, float[] weight, float[] bias)
    {
        var d = weight.Length / bias.Length;
        var masked = basis.Zip(mask, (b, m) => b * m).ToArray();
        return new ErasureOperator(d, ErasureFactor.Masked(masked, d)).FoldInto(Array.ConvertAll(weight, v => (double)v), Array.ConvertAll(bias, v => (double)v));
    }

    /// <summary>The accuracy on the forgotten class and on the others, in per cent.</summary>
    public static (double Forget, double Remain) Of(FeatureBank bank, double[] weight, double[] bias)
    {
        var (d, classes) = (bank.Width, bias.Length);
        var (right, count) = (new int[2], new int[2]);
        for (var i = 0; i < bank.Count; i++)
        {
            var (best, highest) = (0, double.NegativeInfinity);
            for (var c = 0; c < classes; c++)
            {
                var score = bias[c];
                for (var j = 0; j < d; j++)
                    score += weight[(c * d) + j] * bank.Features[(i * d) + j];
                if (score > highest)
                    (best, highest) = (c, score);
            }

            var side = bank.Labels[i] == OracleRun.ForgetClass ? 0 : 1;
            count[side]++;
            right[side] += best == bank.Labels[i] ? 1 : 0;
        }

        return (100.0 * right[0] / count[0], 100.0 * right[1] / Math.Max(1, count[1]));
    }
}
