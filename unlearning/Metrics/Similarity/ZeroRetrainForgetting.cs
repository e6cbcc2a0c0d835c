using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>
/// ZRF, the zero-retrain forgetting score (Chundawat et al., Bad Teaching): 1 - (1/n) sum_i JS(M(x_i), T(x_i)) over D_f, where
/// T is the same architecture with random starting values.
/// </summary>
public static class ZeroRetrainForgetting
{
    /// <summary>Measures a model.</summary>
    /// <param name="model">The model, which computes as in evaluation mode; not changed.</param>
    /// <param name="forget">D_f.</param>
    /// <param name="seed">Seed of the network that knows nothing.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels between batches.</param>
    public static ZrfResult Run(
        Classifier model, ImageSet forget, ulong seed = 42, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Run(FeatureBank.Extract(model, forget, cancel: cancel).Logits, model, forget, seed, progress, cancel);
    }

    /// <summary>Compares given logits with a network that knows nothing.</summary>
    internal static ZrfResult Run(
        float[] logits, Classifier model, ImageSet forget, ulong seed, IProgress<double>? progress, CancellationToken cancel)
    {
        using var teacher = Architectures.Create(model.Description, seed, model.Device);
        teacher.Training = false;
        var share = progress is null ? null : new SynchronousProgress<int>(done => progress.Report((double)done / forget.Count));
        return Of(logits, FeatureBank.Extract(teacher, forget, progress: share, cancel: cancel).Logits, model.Classes, seed);
    }

    /// <summary>Compares the logits of two models.</summary>
    /// <param name="logits">[n, classes], of the model under test.</param>
    /// <param name="teacherLogits">[n, classes], of the network that knows nothing.</param>
    /// <param name="classes">Columns.</param>
    /// <param name="seed">For the record.</param>
    internal static ZrfResult Of(ReadOnlySpan<float> logits, ReadOnlySpan<float> teacherLogits, int classes, ulong seed)
    {
        var rows = logits.Length / classes;
        var (defined, coded) = (new double[rows], new double[rows]);
        var (p, q) = (new double[classes], new double[classes]);
        for (var row = 0; row < rows; row++)
        {
            Softmax.Log(logits.Slice(row * classes, classes), p);
            Softmax.Log(teacherLogits.Slice(row * classes, classes), q);
            defined[row] = 1 - Divergence.JensenShannon(p, q);
            coded[row] = 1 - (Divergence.Reversed(p, q) / classes);
        }

        return new ZrfResult(MeanValue.Of(defined), MeanValue.Of(coded), seed);
    }
}

/// <summary>How far a model's answers on D_f are from those of a network that knows nothing.</summary>
/// <param name="Score">1 - mean JS divergence: 1 - ln 2 (as far as can be) to 1 (the same answers).</param>
/// <param name="AsCoded">The same as the published code computes it: Kullback-Leibler divergences reversed, and divided by the
/// number of classes too, which moves every value towards 1.</param>
/// <param name="Seed">Seed of the network that knows nothing.</param>
public sealed record ZrfResult(MeanValue Score, MeanValue AsCoded, ulong Seed);
