using System.Globalization;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>
/// KR-strong: how much an attacker recovers with a linear probe that is trained to convergence. The published probe
/// (<see cref="SgdProbe"/>) is not: it misses classes that are linearly separable.
/// </summary>
public static class StrongProbe
{
    /// <summary>Trains every probe of the sweep on all training rows with their true labels.</summary>
    /// <param name="data">Features of the model under test.</param>
    /// <param name="options">What to try; <see cref="StrongProbeOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static StrongProbeResult Run(
        EvaluationData data, StrongProbeOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= StrongProbeOptions.Default;
        options.Validate();
        var probes = options.L2.Count + options.SgdLearningRates.Count;
        var sweep = new List<ProbeResult>(probes);
        void Report(double share) => progress?.Report((sweep.Count + share) / probes);

        if (options.L2.Count > 0)
        {
            var regression = new LogisticRegression(data.Train, data.Train.Labels, data.Classes);
            foreach (var l2 in options.L2.OrderDescending())
            {
                var fit = regression.Fit(
                    l2, options.GradientTolerance, options.MaxIterations, i => Report((double)i / options.MaxIterations), cancel);
                var setting = string.Create(CultureInfo.InvariantCulture, $"L-BFGS, L2 {l2:0.##E+0}");
                var head = regression.Head;
                sweep.Add(new ProbeResult(
                    fit.Converged ? setting : setting + ": not converged", ForgetAccuracies.Of(data, head), head, fit.Value, fit.Iterations,
                    fit.GradientNorm, fit.Converged));
            }
        }

        foreach (var rate in options.SgdLearningRates)
        {
            var sgd = new SgdProbeOptions
            {
                LearningRate = rate,
                Momentum = 0.9,
                Epochs = options.SgdEpochs,
                Standardise = true,
                Seed = options.Seed,
            };
            sweep.Add(SgdProbe.Run(data, sgd, progress is null ? null : new SynchronousProgress<double>(Report), cancel));
        }

        return new StrongProbeResult(Strongest(sweep), sweep);
    }

    // A sort keeps the order of equals.
    private static ProbeResult Strongest(List<ProbeResult> sweep) =>
        sweep.OrderByDescending(p => p.Accuracies.Forget ?? -1).ThenByDescending(p => p.Accuracies.ForgetTest ?? -1).First();
}
