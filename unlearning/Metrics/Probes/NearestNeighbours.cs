using EscNative.Kernels;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>
/// The k-nearest-neighbour probe: every test row takes the class of most of its k most similar training rows. It needs no
/// training, and finds classes that a linear probe cannot.
/// </summary>
/// <remarks>
/// Similarity is the cosine (0 for a zero row). Of equally similar rows the one that comes first is nearer. Of classes with
/// equal votes the one with the larger sum of similarities wins, then the first.
/// </remarks>
public static class NearestNeighbours
{
    /// <summary>Test rows between two looks at the cancellation token.</summary>
    private const int Batch = 2048;

    /// <summary>Asks the training rows of the class of the test rows.</summary>
    /// <param name="data">Features of the model under test.</param>
    /// <param name="options">How to vote; <see cref="NeighbourOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    /// <exception cref="UsageException">Less than one neighbour or query.</exception>
    public static NeighbourResult Run(
        EvaluationData data, NeighbourOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= NeighbourOptions.Default;
        options.Validate();

        var test = data.Test;
        var rows = Queries(test.Rows, options);
        var search = new CosineSearch(data.Train, Math.Min(options.Neighbours, data.Train.Rows));
        var neighbours = new (float Similarity, int Row)[Batch * search.Count];
        var (predictions, labels, forgotten) = (new int[rows.Length], new int[rows.Length], new bool[rows.Length]);
        for (var first = 0; first < rows.Length; first += Batch)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Report((double)first / rows.Length);
            var batch = rows.AsSpan(first, Math.Min(Batch, rows.Length - first));
            search.Find(test, batch, neighbours);
            for (var i = 0; i < batch.Length; i++)
            {
                predictions[first + i] = Vote(neighbours.AsSpan(i * search.Count, search.Count), data.Train.Labels, data.Classes);
                labels[first + i] = test.Labels[batch[i]];
                forgotten[first + i] = test.Forgotten[batch[i]];
            }
        }

        progress?.Report(1);
        return new NeighbourResult(
            Accuracy.Percent(predictions, labels, forgotten, side: true), Accuracy.Percent(predictions, labels, forgotten, side: false),
            search.Count, rows.Length, forgotten.Count(f => f), rows.Length < test.Rows);
    }

    private static int[] Queries(int rows, NeighbourOptions options)
    {
        if (options.MaxQueries is not { } most || most >= rows)
            return [.. Enumerable.Range(0, rows)];
        var drawn = new RandomSource(options.Seed).Permutation(rows)[..most];
        Array.Sort(drawn);
        return drawn;
    }

    private static int Vote(ReadOnlySpan<(float Similarity, int Row)> neighbours, int[] labels, int classes)
    {
        var votes = new (int Count, double Similarity)[classes];
        foreach (var (similarity, row) in neighbours)
        {
            ref var vote = ref votes[labels[row]];
            vote = (vote.Count + 1, vote.Similarity + similarity);
        }

        var best = 0;
        for (var c = 1; c < classes; c++)
        {
            if (votes[c].CompareTo(votes[best]) > 0)
                best = c;
        }

        return best;
    }
}

/// <summary>How the k-nearest-neighbour probe votes.</summary>
public sealed record NeighbourOptions
{
    /// <summary>The defaults.</summary>
    public static NeighbourOptions Default { get; } = new();

    /// <summary>How many neighbours vote (all training rows if there are fewer).</summary>
    public int Neighbours { get; init; } = 20;

    /// <summary>Asks only for so many test rows, drawn by <see cref="Seed"/>; all if null.</summary>
    public int? MaxQueries { get; init; }

    /// <summary>Seed of the draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("nearest neighbours", "neighbours", Neighbours);
        UsageException.RequireCount("nearest neighbours", "max queries", MaxQueries);
    }
}

/// <summary>What the neighbours of test rows say about their class.</summary>
/// <param name="ForgetTest">Accuracy in per cent on queries from D_ft; null if there are none.</param>
/// <param name="RemainTest">Accuracy in per cent on queries from D_rt; null if there are none.</param>
/// <param name="Neighbours">How many voted.</param>
/// <param name="Queries">How many test rows were asked for.</param>
/// <param name="ForgetQueries">How many of these are from D_ft.</param>
/// <param name="Subsampled">Whether these are fewer than all.</param>
public sealed record NeighbourResult(double? ForgetTest, double? RemainTest, int Neighbours, int Queries, int ForgetQueries, bool Subsampled)
{
    /// <summary>HM_t of the two accuracies.</summary>
    public double? HarmonicMeanTest => ForgetAccuracies.Combine(ForgetTest, RemainTest);
}
