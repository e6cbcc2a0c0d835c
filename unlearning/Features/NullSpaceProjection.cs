using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Features;

/// <summary>
/// Iterative null-space projection (Ravfogel et al., INLP): fits a linear classifier of what is to be forgotten, removes its
/// directions, and goes on with what is left.
/// </summary>
/// <param name="features">[n, d], as the model gives them.</param>
/// <param name="width">d.</param>
/// <param name="labels">What is to be forgotten, [n]: 0 for the rest.</param>
/// <param name="classes">How many different labels there are.</param>
internal sealed class NullSpaceProjection(float[] features, int width, int[] labels, int classes)
{
    // The rows of a softmax sum to a constant; what is left of the last one is rounding.
    private const double Dependent = 1e-6;

    /// <summary>The directions found, [d, k] with orthonormal columns.</summary>
    public double[] Basis { get; private set; } = [];

    /// <summary>Classifiers fitted.</summary>
    public int Iterations { get; private set; }

    /// <summary>The last classifier's share of right answers, each label weighing the same, 0 to 1.</summary>
    public double Accuracy { get; private set; } = 1;

    /// <summary>Removes directions until a classifier does no better than chance, or the iterations or directions are used up.</summary>
    /// <param name="iterations">The most classifiers.</param>
    /// <param name="l2">Their penalty.</param>
    /// <param name="margin">How far above chance counts as chance.</param>
    /// <param name="onIteration">Told the number of each classifier.</param>
    /// <param name="cancel">Cancels between steps of a fit.</param>
    public void Run(int iterations, double l2, double margin, Action<int>? onIteration, CancellationToken cancel)
    {
        while (Iterations < iterations && Basis.Length / width < width - 1)
        {
            cancel.ThrowIfCancellationRequested();
            var split = new FeatureSplit(Project(), width, labels, classes, new bool[labels.Length]);
            var regression = new LogisticRegression(split, labels, classes, balanced: true);
            regression.Fit(l2, tolerance: 1e-5, maxIterations: 200, onIteration: null, cancel);
            Iterations++;
            onIteration?.Invoke(Iterations);
            Accuracy = Balanced(regression.Head.Predict(split));
            if (Accuracy <= (1.0 / classes) + margin)
                return;
            var (directions, rank) = MatrixMath.Orthonormal(Directions(regression.Head, split), width, classes, Dependent, relative: true);
            Basis = Subspaces.Basis.Append(Basis, directions, width, out var appended);
            if (rank == 0 || appended == 0)
                return;
        }
    }

    // The rows of W as columns [d, classes], in the units of the features: the head has learnt from standardised ones.
    private double[] Directions(LinearHead head, FeatureSplit split)
    {
        var scale = Standardiser.Of(split).Scale;
        var directions = new double[width * classes];
        for (var i = 0; i < width; i++)
        {
            for (var c = 0; c < classes; c++)
                directions[(i * classes) + c] = head.Weight[(c * width) + i] * scale[i];
        }

        return directions;
    }

    private float[] Project()
    {
        var k = Basis.Length / width;
        if (k == 0)
            return features;
        var projected = new float[features.Length];
        var coordinates = new double[k];
        for (var at = 0; at < features.Length; at += width)
        {
            Array.Clear(coordinates);
            for (var i = 0; i < width; i++)
            {
                for (var j = 0; j < k; j++)
                    coordinates[j] += Basis[(i * k) + j] * features[at + i];
            }

            for (var i = 0; i < width; i++)
            {
                double value = features[at + i];
                for (var j = 0; j < k; j++)
                    value -= Basis[(i * k) + j] * coordinates[j];
                projected[at + i] = (float)value;
            }
        }

        return projected;
    }

    private double Balanced(int[] predicted)
    {
        var (right, total) = (new double[classes], new double[classes]);
        for (var i = 0; i < labels.Length; i++)
        {
            total[labels[i]]++;
            if (predicted[i] == labels[i])
                right[labels[i]]++;
        }

        return Enumerable.Range(0, classes).Average(c => total[c] > 0 ? right[c] / total[c] : 0);
    }
}
