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

/// <summary>What an attacker tries in KR-strong.</summary>
public sealed record StrongProbeOptions
{
    /// <summary>The defaults.</summary>
    public static StrongProbeOptions Default { get; } = new();

    /// <summary>L2 penalties of the logistic regressions: loss = mean cross-entropy + L2 / 2 |W|². Tried from large to small,
    /// each from the solution of the one before. Scikit-learn's C is 1 / (n L2).</summary>
    public IReadOnlyList<double> L2 { get; init; } = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

    /// <summary>A regression has converged when the Euclidean norm of its gradient is below.</summary>
    public double GradientTolerance { get; init; } = 1e-5;

    /// <summary>Steps of one regression after which it stops, converged or not.</summary>
    public int MaxIterations { get; init; } = 1000;

    /// <summary>Also tries SGD with momentum 0.9 on standardised features at these learning rates; none by default.</summary>
    public IReadOnlyList<double> SgdLearningRates { get; init; } = [];

    /// <summary>Epochs of each SGD probe.</summary>
    public int SgdEpochs { get; init; } = 100;

    /// <summary>Seed of the SGD probes.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "strong probe";
        ArgumentNullException.ThrowIfNull(L2);
        ArgumentNullException.ThrowIfNull(SgdLearningRates);
        if (L2.Count + SgdLearningRates.Count == 0)
            throw new UsageException("strong probe: got neither L2 penalties nor learning rates, wants at least one");
        foreach (var l2 in L2)
            UsageException.RequireNonNegative(operation, "L2 penalty", l2);
        foreach (var rate in SgdLearningRates)
            UsageException.RequirePositive(operation, "SGD learning rate", rate);
        UsageException.RequirePositive(operation, "gradient tolerance", GradientTolerance);
        UsageException.RequireCount(operation, "max iterations", MaxIterations);
        UsageException.RequireCount(operation, "SGD epochs", SgdEpochs);
    }
}

/// <summary>All that an attacker tried, and what recovered most of the forgotten rows.</summary>
/// <param name="Best">The probe with the largest D_f (then D_ft, then the one tried first).</param>
/// <param name="Sweep">Every probe, in the order in which they were tried.</param>
public sealed record StrongProbeResult(ProbeResult Best, IReadOnlyList<ProbeResult> Sweep);
