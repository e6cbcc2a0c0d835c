namespace EscNative.Unlearning.Training;

/// <summary>Projected gradient ascent on the cross-entropy of a linear head with respect to its input, on the host in float64: LAU's partial PGD.</summary>
/// <param name="weight">W, [classes, d].</param>
/// <param name="bias">b, [classes].</param>
/// <param name="bound">How far each value may move.</param>
/// <param name="step">How far it moves at a time, before it is cut to the bound.</param>
/// <param name="iterations">How often.</param>
internal sealed class FeatureAttack(float[] weight, float[] bias, double bound, double step, int iterations)
{
    /// <summary>z' = cut(z' + step sign(Wᵀ (softmax(W z' + b) - onehot(y)))), over and over, from z.</summary>
    /// <param name="z">A feature, [d].</param>
    /// <param name="label">y.</param>
    /// <param name="moved">Receives z', [d].</param>
    public void Move(ReadOnlySpan<float> z, int label, Span<float> moved)
    {
        z.CopyTo(moved);
        var (d, p) = (z.Length, new double[bias.Length]);
        for (var i = 0; i < iterations; i++)
        {
            Probabilities(moved, p);
            p[label] -= 1;
            for (var j = 0; j < d; j++)
            {
                var slope = 0.0;
                for (var c = 0; c < p.Length; c++)
                    slope += p[c] * weight[(c * d) + j];
                moved[j] = (float)Math.Clamp(moved[j] + (step * Math.Sign(slope)), z[j] - bound, z[j] + bound);
            }
        }
    }

    private void Probabilities(ReadOnlySpan<float> z, double[] p)
    {
        for (var c = 0; c < p.Length; c++)
        {
            p[c] = bias[c];
            for (var j = 0; j < z.Length; j++)
                p[c] += (double)weight[(c * z.Length) + j] * z[j];
        }

        var largest = p.Max();
        for (var c = 0; c < p.Length; c++)
            p[c] = Math.Exp(p[c] - largest);
        var sum = p.Sum();
        for (var c = 0; c < p.Length; c++)
            p[c] /= sum;
    }
}
