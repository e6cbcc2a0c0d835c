using EscNative.Kernels;
using EscNative.Tests.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

[Collection(CpuThreads.Collection)]
public sealed class NearestNeighboursTests
{
    [Theory]
    [InlineData(5, 3, 1, 1)]
    [InlineData(40, 17, 3, 20)]
    // More than one block of rows and of queries, and tails of both.
    [InlineData(1111, 133, 7, 20)]
    [InlineData(513, 129, 16, 5)]
    public void Agrees_with_sorting_all_rows(int trainRows, int testRows, int width, int k)
    {
        // Small whole numbers: many rows are equal, and many similarities too.
        var seed = Synthetic.FreshSeed();
        var random = new RandomSource(seed);
        var data = new EvaluationData(Rows(trainRows), Rows(testRows));
        var result = NearestNeighbours.Run(data, new NeighbourOptions { Neighbours = k });
        var predictions = Naive(data, Math.Min(k, trainRows));
        var wanted = Accuracy.Percent(predictions, data.Test.Labels, data.Test.Forgotten, side: false);
        Assert.True(result.RemainTest == wanted, $"seed {seed}: {result.RemainTest}, sorting gives {wanted}");
        wanted = Accuracy.Percent(predictions, data.Test.Labels, data.Test.Forgotten, side: true);
        Assert.True(result.ForgetTest == wanted, $"seed {seed}: {result.ForgetTest}, sorting gives {wanted}");
        FeatureSplit Rows(int rows)
        {
            // A power of two along one axis: then the norms, and so the similarities, are exact in every order of summation.
            var (features, labels) = (new float[rows * width], new int[rows]);
            for (var row = 0; row < rows; row++)
            {
                labels[row] = random.NextInt(4);
                if (random.NextInt(10) > 0)
                    features[(row * width) + random.NextInt(width)] = 1 << random.NextInt(3);
            }

            return new FeatureSplit(features, width, labels, 4, FeatureSplit.MarkClasses(labels, 2));
        }
    }

    [Fact]
    public void Finds_the_most_similar_rows_of_real_numbers()
    {
        var seed = Synthetic.FreshSeed();
        var data = Synthetic.Data(1500, 200, 24, 6, 1, seed, 1);
        var search = new CosineSearch(data.Train, 10);
        var found = new (float Similarity, int Row)[200 * 10];
        search.Find(data.Test, [.. Enumerable.Range(0, 200)], found);
        for (var query = 0; query < 200; query++)
        {
            var all = Similarities(data, query);
            var nearest = found.AsSpan(query * 10, 10).ToArray();
            Assert.Equal(nearest.Select(n => n.Similarity).OrderDescending(), nearest.Select(n => n.Similarity));
            Assert.Equal(10, nearest.Select(n => n.Row).Distinct().Count());
            // Rounding may swap rows whose similarities differ by less than sqrt(24) 2^-24.
            var last = all.OrderDescending().ElementAt(9);
            foreach (var (similarity, row) in nearest)
            {
                Assert.True(Math.Abs(similarity - all[row]) < 1e-6, $"seed {seed}: query {query}, row {row}");
                Assert.True(all[row] > last - 1e-6, $"seed {seed}: query {query} found row {row}, which is not among the nearest");
            }
        }
    }

    [Fact]
    public void Equal_votes_go_to_the_larger_sum_of_similarities()
    {
        // Two neighbours of each class; those of class 1 are nearer.
        var train = new FeatureSplit([1, 1, 1, 0.9f, 1, 0.1f, 1, 0.2f], 2, [0, 0, 1, 1], 2, new bool[4]);
        var test = new FeatureSplit([1, 0], 2, [1], 2, new bool[1]);
        Assert.Equal(100, NearestNeighbours.Run(new EvaluationData(train, test), new NeighbourOptions { Neighbours = 4 }).RemainTest);
    }

    [Fact]
    public void A_draw_of_queries_is_the_same_again_and_says_so()
    {
        var data = Synthetic.Data(300, 200, 8, 4, 2, 9, 1);
        var options = new NeighbourOptions { MaxQueries = 50 };
        var (first, second) = (NearestNeighbours.Run(data, options), NearestNeighbours.Run(data, options));
        Assert.Equal(first, second);
        Assert.True(first.Subsampled);
        Assert.Equal(50, first.Queries);
        Assert.InRange(first.ForgetQueries, 1, 49);
        Assert.False(NearestNeighbours.Run(data, new NeighbourOptions { MaxQueries = 200 }).Subsampled);
    }

    [Fact]
    public void Gives_the_same_bits_for_any_number_of_threads()
    {
        var data = Synthetic.Data(3000, 1000, 20, 5, 2, 10, 1);
        Threads.AssertSameBits(() =>
        {
            var found = new (float Similarity, int Row)[1000 * 20];
            new CosineSearch(data.Train, 20).Find(data.Test, [.. Enumerable.Range(0, 1000)], found);
            return found;
        });
    }

    [Fact]
    public void Without_test_rows_there_is_no_accuracy()
    {
        var train = new FeatureSplit([1, 2], 1, [0, 1], 2, new bool[2]);
        var result = NearestNeighbours.Run(new EvaluationData(train, new FeatureSplit([], 1, [], 2, [])));
        Assert.Equal((null, null, 2), (result.ForgetTest, result.RemainTest, result.Neighbours));
    }

    [Fact]
    public void A_cancellation_and_senseless_options_end_it()
    {
        var data = Synthetic.Data(30, 10, 3, 2, 1, 1, 0);
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => NearestNeighbours.Run(data, cancel: cancel.Token));
        Assert.Throws<UsageException>(() => NearestNeighbours.Run(data, new NeighbourOptions { Neighbours = 0 }));
        Assert.Throws<UsageException>(() => NearestNeighbours.Run(data, new NeighbourOptions { MaxQueries = 0 }));
    }

    [Fact]
    public void The_nearest_class_mean_agrees_with_measuring_every_distance()
    {
        var seed = Synthetic.FreshSeed();
        // Class 6 has no rows.
        var data = Synthetic.Data(90, 60, 5, 6, 1.5f, seed, 3);
        data = new EvaluationData(Wider(data.Train), Wider(data.Test));
        var means = new double[6, 5];
        for (var row = 0; row < 90; row++)
        {
            for (var j = 0; j < 5; j++)
                means[data.Train.Labels[row], j] += data.Train.Features[(row * 5) + j] / 15.0;
        }

        Assert.Equal(ForgetAccuracies.Of(data, Nearest(data.Train), Nearest(data.Test)), NearestClassMean.Run(data));
        int[] Nearest(FeatureSplit split) => [.. Enumerable.Range(0, split.Rows).Select(row => Enumerable.Range(0, 6)
            .MinBy(c => Enumerable.Range(0, 5).Sum(j => Math.Pow(split.Features[(row * 5) + j] - means[c, j], 2))))];
        static FeatureSplit Wider(FeatureSplit s) => new(s.Features, s.Width, s.Labels, s.Classes + 1, s.Forgotten);
    }

    private static int[] Naive(EvaluationData data, int k)
    {
        var predictions = new int[data.Test.Rows];
        for (var query = 0; query < predictions.Length; query++)
        {
            var similarities = Similarities(data, query);
            // A stable sort: of equal similarities the first row is nearer.
            var nearest = Enumerable.Range(0, data.Train.Rows).OrderByDescending(r => similarities[r]).Take(k).ToArray();
            predictions[query] = Enumerable.Range(0, data.Classes)
                .OrderByDescending(c => nearest.Count(r => data.Train.Labels[r] == c))
                .ThenByDescending(c => nearest.Where(r => data.Train.Labels[r] == c).Sum(r => similarities[r])).First();
        }

        return predictions;
    }

    private static double[] Similarities(EvaluationData data, int query)
    {
        var width = data.Width;
        var q = data.Test.Features[(query * width)..((query + 1) * width)];
        return [.. Enumerable.Range(0, data.Train.Rows).Select(row =>
        {
            var z = data.Train.Features[(row * width)..((row + 1) * width)];
            var norms = Math.Sqrt(q.Sum(v => (double)v * v)) * Math.Sqrt(z.Sum(v => (double)v * v));
            return norms == 0 ? 0 : q.Zip(z, (a, b) => (double)a * b).Sum() / norms;
        })];
    }
}
