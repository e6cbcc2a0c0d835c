using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>
/// The forgotten-against-rest probe: a balanced logistic regression on standardised training features, judged by the area
/// under the ROC curve on the test features.
/// </summary>
public static class BinaryProbe
{
    /// <summary>Fits and evaluates the probe.</summary>
    /// <param name="data">Features of the model under test.</param>
    /// <param name="options">How to fit; <see cref="BinaryProbeOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static BinaryProbeResult Run(
        EvaluationData data, BinaryProbeOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= BinaryProbeOptions.Default;
        options.Validate();
        FeatureSplit train = data.Train, test = data.Test;
        var (positives, negatives) = (test.ForgottenRows, test.Rows - test.ForgottenRows);
        if (train.ForgottenRows == 0 || train.ForgottenRows == train.Rows || positives == 0 || negatives == 0)
            return new BinaryProbeResult(null, positives, negatives, 0, 0, Converged: true);

        var sides = Array.ConvertAll(train.Forgotten, f => f ? 1 : 0);
        var regression = new LogisticRegression(train, sides, classes: 2, balanced: true);
        // Two softmax rows share w as w/2 and -w/2, which halves the penalty.
        var fit = regression.Fit(
            2 * options.L2, options.GradientTolerance, options.MaxIterations,
            i => progress?.Report((double)i / options.MaxIterations), cancel);
        var scores = regression.Head.Scores(test);
        var margins = new double[test.Rows];
        for (var row = 0; row < margins.Length; row++)
            margins[row] = scores[(2 * row) + 1] - scores[2 * row];
        progress?.Report(1);
        return new BinaryProbeResult(
            RankAuc.Of(margins, test.Forgotten), positives, negatives, fit.Iterations, fit.GradientNorm, fit.Converged);
    }
}

/// <summary>How the forgotten-against-rest probe is fitted.</summary>
public sealed record BinaryProbeOptions
{
    /// <summary>The defaults.</summary>
    public static BinaryProbeOptions Default { get; } = new();

    /// <summary>Penalty of the weight vector w: loss = balanced mean of the log loss + L2 / 2 |w|².</summary>
    public double L2 { get; init; } = 1e-5;

    /// <summary>It has converged when the Euclidean norm of the gradient is below.</summary>
    public double GradientTolerance { get; init; } = 1e-5;

    /// <summary>Steps after which it stops, converged or not.</summary>
    public int MaxIterations { get; init; } = 1000;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "binary probe";
        UsageException.RequireNonNegative(operation, "L2 penalty", L2);
        UsageException.RequirePositive(operation, "gradient tolerance", GradientTolerance);
        UsageException.RequireCount(operation, "max iterations", MaxIterations);
    }
}

/// <summary>How well a linear score tells forgotten rows from the others.</summary>
/// <param name="Auc">Area under the ROC curve on the test rows, 0 to 1; null if they, or the training rows, are all of one side.</param>
/// <param name="Positives">Forgotten test rows.</param>
/// <param name="Negatives">Other test rows.</param>
/// <param name="Iterations">Steps of L-BFGS.</param>
/// <param name="GradientNorm">Euclidean norm of the gradient at the end.</param>
/// <param name="Converged">Whether that is below the tolerance.</param>
public sealed record BinaryProbeResult(double? Auc, int Positives, int Negatives, int Iterations, double GradientNorm, bool Converged);
