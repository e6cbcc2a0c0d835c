using EscNative.Kernels;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>
/// The statistics of U-LiRA. For each image the logit-scaled confidences of the models that forgot it, and of those that never saw
/// it, are two Gaussians; a model's confidence is judged by the log-likelihood ratio of both, fitted to other models.
/// </summary>
/// <remarks>
/// The judged model is left out of its world, and the next model of the other world out of that: with the same number in both, worlds
/// that do not differ score 50 %. Were only the judged model left out, the counts would tell its world.
/// </remarks>
internal static class ULiraStatistics
{
    // A world whose models all agree still leaves room for another one.
    private const double LeastVariance = 1e-6;
    private const int Resamples = 200;

    /// <summary>log(p_y / (1 - p_y)) of a row, without rounding p first.</summary>
    public static double Confidence(ReadOnlySpan<float> logits, int label)
    {
        var largest = double.NegativeInfinity;
        for (var c = 0; c < logits.Length; c++)
            largest = c == label ? largest : Math.Max(largest, logits[c]);
        var sum = 0.0;
        for (var c = 0; c < logits.Length; c++)
            sum += c == label ? 0 : Math.Exp(logits[c] - largest);
        return logits[label] - largest - Math.Log(sum);
    }

    /// <summary>The log-likelihood ratio of each model on each image: above 0, it looks forgotten rather than never seen.</summary>
    /// <param name="confidences">[models][images].</param>
    /// <param name="forgot">[models][images]: whether the model forgot the image, or never saw it.</param>
    /// <param name="ownVarianceFrom">From so many models of a world on an image has a variance of its own there.</param>
    /// <returns>[models][images].</returns>
    /// <exception cref="EscException">BadInput: an image with fewer than two models of a world beside the one that is judged.</exception>
    public static double[][] Ratios(double[][] confidences, bool[][] forgot, int ownVarianceFrom)
    {
        var (models, images) = (confidences.Length, confidences[0].Length);
        var pooled = (Unlearned: PooledVariance(confidences, forgot, true), Never: PooledVariance(confidences, forgot, false));
        var ratios = Enumerable.Range(0, models).Select(_ => new double[images]).ToArray();
        for (var x = 0; x < images; x++)
        {
            var image = x;
            var unlearned = forgot.Count(f => f[image]);
            var left = Math.Min(unlearned, models - unlearned) - 1;
            if (left < 2)
                throw Guard.Bad($"U-LiRA: image {x} has {left} models of a world beside the one that is left out, wants 2 or more");
            var own = left >= ownVarianceFrom;
            for (var s = 0; s < models; s++)
            {
                ratios[s][x] = LogDensity(confidences, forgot, s, x, true, own, pooled.Unlearned) -
                    LogDensity(confidences, forgot, s, x, false, own, pooled.Never);
            }
        }

        return ratios;
    }

    /// <summary>Sums the ratios up.</summary>
    public static ULiraResult Judge(double[][] ratios, bool[][] forgot, ulong seed)
    {
        var images = ratios[0].Length;
        var all = Of([.. Enumerable.Range(0, images)]);
        var random = new RandomSource(seed, MetricStreams.ULiraBootstrap);
        var drawn = new List<(double Accuracy, double Auc, double Found)>();
        for (var i = 0; i < Resamples; i++)
            drawn.Add(Of([.. Enumerable.Range(0, images).Select(_ => random.NextInt(images))]));
        return new ULiraResult(
            all.Accuracy, all.Auc, all.Found, Quantiles(d => d.Accuracy), Quantiles(d => d.Auc), Quantiles(d => d.Found), ratios.Length, images, seed);

        Interval Quantiles(Func<(double Accuracy, double Auc, double Found), double> select)
        {
            var sorted = drawn.Select(select).Order().ToArray();
            return new Interval(sorted[(int)(0.025 * (Resamples - 1))], sorted[(int)Math.Ceiling(0.975 * (Resamples - 1))]);
        }

        (double Accuracy, double Auc, double Found) Of(int[] rows)
        {
            List<double> unlearned = [], never = [];
            for (var s = 0; s < ratios.Length; s++)
            {
                foreach (var x in rows)
                    (forgot[s][x] ? unlearned : never).Add(ratios[s][x]);
            }

            var curve = new RocCurve(unlearned.ToArray(), never.ToArray());
            var accuracy = 50.0 * (((double)unlearned.Count(r => r > 0) / unlearned.Count) + ((double)never.Count(r => r <= 0) / never.Count));
            return (accuracy, curve.Auc!.Value, curve.TruePositives(ThresholdAttack.FalsePositives)!.Value);
        }
    }

    private static double LogDensity(
        double[][] confidences, bool[][] forgot, int judged, int image, bool world, bool own, double pooled)
    {
        var leftOut = judged;
        while (forgot[leftOut][image] != world)
            leftOut = (leftOut + 1) % confidences.Length;
        var (n, mean, squares) = (0, 0.0, 0.0);
        // Welford's recurrence.
        for (var s = 0; s < confidences.Length; s++)
        {
            if (s == leftOut || forgot[s][image] != world)
                continue;
            n++;
            var difference = confidences[s][image] - mean;
            mean += difference / n;
            squares += difference * (confidences[s][image] - mean);
        }

        var variance = Math.Max(LeastVariance, own ? squares / (n - 1) : pooled);
        var distance = confidences[judged][image] - mean;
        return (-0.5 * distance * distance / variance) - (0.5 * Math.Log(2 * Math.PI * variance));
    }

    private static double PooledVariance(double[][] confidences, bool[][] forgot, bool world)
    {
        var (squares, freedom) = (0.0, 0L);
        for (var x = 0; x < confidences[0].Length; x++)
        {
            var values = Enumerable.Range(0, confidences.Length).Where(s => forgot[s][x] == world).Select(s => confidences[s][x]).ToArray();
            if (values.Length < 2)
                continue;
            var mean = values.Average();
            squares += values.Sum(v => (v - mean) * (v - mean));
            freedom += values.Length - 1;
        }

        return freedom == 0 ? 0 : squares / freedom;
    }
}
