using EscNative.Engine;

namespace EscNative.Unlearning.Curvature;

/// <summary>
/// How far Fisher forgetting moves the values of one tensor: mean and variance of the distribution that they are drawn from (Golatkar et
/// al., get_mean_var of the authors' notebook).
/// </summary>
internal static class FisherNoise
{
    private const double LargestVariance = 1e3;
    private const double LargestVarianceOfHead = 1e2;
    private const double ForgottenVariance = 1e-4;

    /// <summary>The variances of a tensor.</summary>
    /// <remarks>
    /// v = min(1 / (F + 1e-8), 1e3), or 1e2 in the last layer; times alpha; of tensors with more than one dimension the mean over the
    /// inputs, which is PyTorch's dimension 1 and the last one here (weights are [out, kh, kw, in] or [out, in]); times 10 in the last layer
    /// and for vectors. A forgotten class's row has 1e-4 before the last step, so that the code draws it with variance 1e-3.
    /// </remarks>
    /// <param name="curvature">F, in the tensor's layout.</param>
    /// <param name="shape">The tensor's.</param>
    /// <param name="isHead">Whether it is weight or bias of the last layer.</param>
    /// <param name="alpha">How much noise.</param>
    /// <param name="forgotten">The classes whose rows of the last layer are drawn around 0.</param>
    public static double[] Variances(double[] curvature, Shape shape, bool isHead, double alpha, ReadOnlySpan<int> forgotten)
    {
        var limit = isHead ? LargestVarianceOfHead : LargestVariance;
        var variances = Array.ConvertAll(curvature, f => alpha * Math.Min(1 / (f + 1e-8), limit));
        if (shape.Rank > 1)
        {
            var inputs = shape[^1];
            for (var at = 0; at < variances.Length; at += inputs)
            {
                var mean = 0.0;
                for (var i = 0; i < inputs; i++)
                    mean += variances[at + i] / inputs;
                variances.AsSpan(at, inputs).Fill(mean);
            }
        }

        if (isHead)
        {
            foreach (var c in forgotten)
                Row(variances, shape, c).Fill(ForgottenVariance);
        }

        if (isHead || shape.Rank == 1)
        {
            for (var i = 0; i < variances.Length; i++)
                variances[i] *= 10;
        }

        return variances;
    }

    /// <summary>The values of a class in the weight or the bias of the last layer.</summary>
    public static Span<T> Row<T>(T[] values, Shape shape, int row)
    {
        var size = values.Length / shape[0];
        return values.AsSpan(row * size, size);
    }
}
