using EscNative.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

/// <summary>Random features for tests of metrics; what a seed gives does not change.</summary>
internal static class Synthetic
{
    /// <summary>A seed that differs in every run; tests name it in their messages.</summary>
    public static ulong FreshSeed() => (ulong)Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>Rows around one centre per class, labels 0, 1, .. in turn, negative values cut to 0 (as after ReLU).</summary>
    /// <param name="spread">The noise beside a distance of about sqrt(2 width) between centres.</param>
    public static (float[] Features, int[] Labels) Clusters(int rows, int width, int classes, float spread, ulong seed, ulong stream)
    {
        var centres = new float[classes * width];
        new RandomSource(seed, stream: 100).FillNormal(centres);
        var (features, labels) = (new float[rows * width], new int[rows]);
        new RandomSource(seed, stream).FillNormal(features);
        for (var row = 0; row < rows; row++)
        {
            labels[row] = row % classes;
            for (var j = 0; j < width; j++)
                features[(row * width) + j] = Math.Max(0, centres[(labels[row] * width) + j] + (spread * features[(row * width) + j]));
        }

        return (features, labels);
    }

    /// <summary>Training and test rows of the same clusters; some classes are to be forgotten.</summary>
    public static EvaluationData Data(int trainRows, int testRows, int width, int classes, float spread, ulong seed, params int[] forgotten)
    {
        return new EvaluationData(Split(trainRows, 1), Split(testRows, 2));
        FeatureSplit Split(int rows, ulong stream)
        {
            var (features, labels) = Clusters(rows, width, classes, spread, seed, stream);
            return new FeatureSplit(features, width, labels, classes, FeatureSplit.MarkClasses(labels, forgotten));
        }
    }

    /// <summary>The same rows with other features.</summary>
    public static EvaluationData Map(EvaluationData data, Func<float[], float[]> change)
    {
        return new EvaluationData(With(data.Train), With(data.Test));
        FeatureSplit With(FeatureSplit s) => new(change(s.Features), s.Width, s.Labels, s.Classes, s.Forgotten, s.Logits);
    }

    /// <summary>The same rows with logits: scores of a random linear head, plus 2 for the true class.</summary>
    public static EvaluationData WithScores(EvaluationData data, ulong seed = 1)
    {
        var weight = new float[data.Classes * data.Width];
        new RandomSource(seed, stream: 101).FillNormal(weight);
        return new EvaluationData(With(data.Train), With(data.Test));
        FeatureSplit With(FeatureSplit s)
        {
            var logits = new float[s.Rows * s.Classes];
            for (var row = 0; row < s.Rows; row++)
            {
                for (var c = 0; c < s.Classes; c++)
                {
                    logits[(row * s.Classes) + c] = s.Labels[row] == c ? 2 : 0;
                    for (var j = 0; j < s.Width; j++)
                        logits[(row * s.Classes) + c] += weight[(c * s.Width) + j] * s.Features[(row * s.Width) + j];
                }
            }

            return new FeatureSplit(s.Features, s.Width, s.Labels, s.Classes, s.Forgotten, logits);
        }
    }

    /// <summary>Removes the main direction of the forgotten training rows from all rows: ESC with k = 1.</summary>
    public static EvaluationData EraseMainDirection(EvaluationData data)
    {
        var (train, width) = (data.Train, data.Width);
        var direction = new double[width];
        Array.Fill(direction, 1);
        for (var iteration = 0; iteration < 100; iteration++)
        {
            var next = new double[width];
            for (var row = 0; row < train.Rows; row++)
            {
                if (!train.Forgotten[row])
                    continue;
                var along = 0.0;
                for (var j = 0; j < width; j++)
                    along += train.Features[(row * width) + j] * direction[j];
                for (var j = 0; j < width; j++)
                    next[j] += along * train.Features[(row * width) + j];
            }

            var norm = Math.Sqrt(next.Sum(v => v * v));
            direction = Array.ConvertAll(next, v => v / norm);
        }

        return Map(data, features =>
        {
            var erased = new float[features.Length];
            for (var first = 0; first < features.Length; first += width)
            {
                var along = 0.0;
                for (var j = 0; j < width; j++)
                    along += features[first + j] * direction[j];
                for (var j = 0; j < width; j++)
                    erased[first + j] = (float)(features[first + j] - (along * direction[j]));
            }

            return erased;
        });
    }
}
