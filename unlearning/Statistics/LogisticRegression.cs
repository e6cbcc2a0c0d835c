namespace EscNative.Unlearning.Statistics;

/// <summary>Fits multinomial logistic regressions to standardised features by L-BFGS.</summary>
/// <remarks>
/// For what must converge on many columns. <see cref="BinaryLogistic"/> is scikit-learn's problem on one or a few raw columns, and the
/// published probe is trained by steps of SGD that must not converge: three problems, whose values differ.
/// </remarks>
internal sealed class LogisticRegression
{
    private readonly LogisticObjective _objective;
    private readonly Standardiser _standardiser;
    private readonly double[] _point;
    private readonly int _classes;

    /// <summary>Prepares fits, the first of which starts from zero.</summary>
    /// <param name="train">The features.</param>
    /// <param name="labels">The class of each row.</param>
    /// <param name="classes">How many classes these labels have.</param>
    /// <param name="balanced">Whether each class weighs the same in sum, however many rows it has.</param>
    public LogisticRegression(FeatureSplit train, int[] labels, int classes, bool balanced = false)
    {
        var weights = new double[classes];
        if (balanced)
        {
            foreach (var label in labels)
                weights[label]++;
        }

        for (var c = 0; c < classes; c++)
            weights[c] = balanced && weights[c] > 0 ? labels.Length / (classes * weights[c]) : 1;
        _classes = classes;
        _standardiser = Standardiser.Of(train);
        _objective = new LogisticObjective(train, labels, classes, weights, _standardiser);
        _point = new double[_objective.Length];
    }

    /// <summary>The classifier that was fitted last.</summary>
    public LinearHead Head => new(_point[..^_classes], _point[^_classes..], _standardiser);

    /// <summary>Fits with a penalty, starting where the last fit ended.</summary>
    public LbfgsResult Fit(double l2, double tolerance, int maxIterations, Action<int>? onIteration, CancellationToken cancel)
    {
        _objective.L2 = l2;
        return Lbfgs.Minimise(_objective, _point, tolerance, maxIterations, onIteration, cancel: cancel);
    }
}
