using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>How alike two models are on the same rows.</summary>
/// <param name="JensenShannon">Mean JS divergence of the class probabilities, natural logarithm; null without logits.</param>
/// <param name="ActivationDistance">Mean Euclidean distance of the class probabilities; null without logits.</param>
/// <param name="Cka">Linear centred kernel alignment of the features, 0 to 1.</param>
public sealed record ModelSimilarity(MeanValue? JensenShannon, MeanValue? ActivationDistance, CkaResult Cka)
{
    /// <summary>Compares two models on one side of the training rows.</summary>
    /// <param name="a">One model.</param>
    /// <param name="b">The other: the same rows.</param>
    /// <param name="forgotten">True: on D_f; false: on D_r.</param>
    /// <param name="options">How; <see cref="SimilarityOptions.Default"/> if null.</param>
    /// <exception cref="EscException">BadInput: other rows.</exception>
    public static ModelSimilarity Of(EvaluationData a, EvaluationData b, bool forgotten, SimilarityOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        options ??= SimilarityOptions.Default;
        options.Validate();
        if (!a.SameRowsAs(b))
            throw Guard.Bad("similarity: the two models have other rows, labels or forgotten rows; wants the same of both");
        var rows = a.Train.RowsOf(forgotten);
        if (options.MaxRows is { } most && most < rows.Length)
        {
            rows = FeatureSplit.Draw(rows, most, options.Seed, MetricStreams.SimilarityRows);
            Array.Sort(rows);
        }

        var (js, distance) = Probabilities(a.Train, b.Train, rows);
        return new ModelSimilarity(js, distance, CkaResult.Of(a.Train, b.Train, rows));
    }

    private static (MeanValue? JensenShannon, MeanValue? Distance) Probabilities(FeatureSplit a, FeatureSplit b, int[] rows)
    {
        if (a.Logits is null || b.Logits is null)
            return (null, null);
        var (js, distance) = (new double[rows.Length], new double[rows.Length]);
        var (p, q) = (new double[a.Classes], new double[a.Classes]);
        for (var i = 0; i < rows.Length; i++)
        {
            Softmax.Log(a.Logits.AsSpan(rows[i] * a.Classes, a.Classes), p);
            Softmax.Log(b.Logits.AsSpan(rows[i] * a.Classes, a.Classes), q);
            js[i] = Divergence.JensenShannon(p, q);
            distance[i] = Divergence.Euclidean(p, q);
        }

        return (MeanValue.Of(js), MeanValue.Of(distance));
    }
}

/// <summary>How two models are compared row by row.</summary>
public sealed record SimilarityOptions
{
    /// <summary>The defaults.</summary>
    public static SimilarityOptions Default { get; } = new();

    /// <summary>Compares so many rows of a set at most, drawn by <see cref="Seed"/>; all if null.</summary>
    public int? MaxRows { get; init; } = 10_000;

    /// <summary>Seed of the draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("similarity", "max rows", MaxRows);
    }
}
