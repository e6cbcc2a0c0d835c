using EscNative.Kernels;
using EscNative.Unlearning.Features;

namespace EscNative.Tests.Unlearning.Features;

/// <summary>Random correlated features of classes, and what a float64 oracle says about them: plain loops, two passes.</summary>
internal sealed class RandomRows
{
    private RandomRows(int n, int d, int classes) => (Count, Width, Values, Labels, Classes) = (n, d, new float[n * d], new int[n], classes);

    public int Count { get; }

    public int Width { get; }

    public int Classes { get; }

    public float[] Values { get; }

    public int[] Labels { get; }

    /// <param name="dead">Columns that are 0 in all rows, as a ReLU gives them; every fourth.</param>
    public static RandomRows Draw(ulong seed, int n, int d, int classes = 5, bool dead = false, float offset = 0)
    {
        var random = new RandomSource(seed, 99);
        var (mix, centres) = (new float[d * d], new float[classes * d]);
        random.FillNormal(mix);
        random.FillNormal(centres);
        var rows = new RandomRows(n, d, classes);
        var noise = new float[d];
        for (var i = 0; i < n; i++)
        {
            rows.Labels[i] = i < classes ? i : random.NextInt(classes);
            random.FillNormal(noise);
            for (var j = 0; j < d; j++)
            {
                var value = offset + centres[(rows.Labels[i] * d) + j];
                for (var k = 0; k < d; k++)
                    value += mix[(j * d) + k] * noise[k] / d;
                rows.Values[(i * d) + j] = dead ? (j % 4 == 0 ? 0 : Math.Max(value, 0)) : value;
            }
        }

        return rows;
    }

    /// <summary>The statistics as a method gathers them: classes below <paramref name="forgotten"/> first, then the others.</summary>
    public CovarianceAccumulator Gather(ConceptColumns columns, int forgotten, int block = 64)
    {
        var statistics = new CovarianceAccumulator(Width, columns.Count);
        foreach (var side in new[] { true, false })
        {
            var chosen = Enumerable.Range(0, Count).Where(i => Labels[i] < forgotten == side).ToArray();
            foreach (var chunk in chosen.Chunk(block))
            {
                statistics.Add(
                    chunk.SelectMany(i => Values.AsSpan(i * Width, Width).ToArray()).ToArray(), columns.Of(chunk.Select(i => Labels[i]).ToArray(), side));
            }
        }

        return statistics;
    }

    /// <summary>The rows after a change, in float64.</summary>
    public double[] Apply(FeatureChange change)
    {
        var rows = Array.ConvertAll(Values, v => (double)v);
        new EscNative.Models.Erasure.ErasureOperator(Width, change.ToFactor(new Dictionary<string, string>())).Apply(rows);
        return rows;
    }

    /// <summary>Cov(x, [label = c]) in two passes, [d].</summary>
    public double[] CovarianceWith(double[] rows, Func<int, bool> concept)
    {
        var (mean, cov) = (new double[Width], new double[Width]);
        for (var i = 0; i < rows.Length; i++)
            mean[i % Width] += rows[i] / Count;
        var share = Labels.Average(l => concept(l) ? 1.0 : 0);
        for (var i = 0; i < Count; i++)
        {
            for (var j = 0; j < Width; j++)
                cov[j] += (rows[(i * Width) + j] - mean[j]) * ((concept(Labels[i]) ? 1 : 0) - share) / (Count - 1);
        }

        return cov;
    }
}
