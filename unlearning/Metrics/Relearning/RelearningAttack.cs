using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Relearning;

/// <summary>
/// Relearning: how much of D_f comes back by fine-tuning on D_r alone (arXiv 2505.22310), on a few images of the forgotten
/// classes, and by class prototypes without any training (after the idea of arXiv 2506.01318).
/// </summary>
/// <remarks>
/// Everything runs on copies; the model stays as it is, bit for bit. An erasure stays in place: what is fine-tuned lies around it.
/// On D_r batch normalisation uses the batches' statistics, as usual; on the few images, which are no sample of them, it keeps its
/// running ones. Prototypes: the head's row of each forgotten class becomes the mean feature of its images, scaled to the mean
/// norm of the other classes' rows, with the least bias by which three quarters of these images are taken for the class.
/// </remarks>
public static class RelearningAttack
{
    /// <summary>Measures a model.</summary>
    /// <param name="model">The model; not changed.</param>
    /// <param name="split">The images, cut along the request.</param>
    /// <param name="options">How; <see cref="RelearningOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels between steps; nothing is returned then.</param>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static RelearningResult Measure(
        Classifier model, ForgetSplit split, RelearningOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(split);
        options ??= RelearningOptions.Default;
        options.Validate();
        var (samples, rest) = Samples(split.Forget, options);
        var judged = new Judged(
            Draw(rest, options, MetricStreams.RelearningForget), Draw(split.ForgetTest, options, MetricStreams.RelearningForgetTest),
            Draw(split.RemainTest, options, MetricStreams.RelearningRemainTest));
        var start = judged.Of(model, 0, cancel);
        var total = (2 * options.Steps[^1]) + 1.0;
        var onRemain = FineTune(model, split.Remain, batchStatistics: true, judged, start, options, Part(0), cancel);
        var onSamples = FineTune(model, samples, batchStatistics: false, judged, start, options, Part(options.Steps[^1]), cancel);
        using var prototypes = model.Copy();
        SetPrototypes(prototypes, samples, cancel);
        var result = new RelearningResult(
            onRemain, onSamples, judged.Of(prototypes, 0, cancel), samples.Count, judged.Forget.Count, judged.ForgetTest.Count, judged.RemainTest.Count);
        progress?.Report(1);
        return result;

        Action<int> Part(int before) => steps => progress?.Report((before + steps) / total);
    }

    private static List<RelearningPoint> FineTune(
        Classifier model, ImageSet images, bool batchStatistics, Judged judged, RelearningPoint start, RelearningOptions options,
        Action<int> report, CancellationToken cancel)
    {
        using var copy = model.Copy();
        using var optimizer = new Sgd(copy.Parameters, options.LearningRate, options.Momentum);
        var loader = new BatchLoader(images, copy.Description.Normalisation, new BatchOptions
        {
            BatchSize = Math.Min(options.Batch, images.Count),
            Shuffle = true,
            Seed = options.Seed,
            Device = copy.Device,
            DropLast = true,
        });
        var points = new List<RelearningPoint> { start };
        foreach (var (batch, steps) in Batches(loader).Zip(Enumerable.Range(1, options.Steps[^1])))
        {
            cancel.ThrowIfCancellationRequested();
            copy.Training = batchStatistics;
            var finite = double.IsFinite(Step(copy, optimizer, batch));
            copy.Training = false;
            report(steps);
            if (!finite)
                break;
            if (options.Steps.Contains(steps))
                points.Add(judged.Of(copy, steps, cancel));
        }

        // Where it diverged the rest is not known.
        points.AddRange(options.Steps.Skip(points.Count - 1).Select(steps => new RelearningPoint(steps, null, null, null)));
        return points;
    }

    private static IEnumerable<Batch> Batches(BatchLoader loader)
    {
        for (var epoch = 0; ; epoch++)
        {
            foreach (var batch in loader.Epoch(epoch))
                yield return batch;
        }
    }

    private static double Step(Classifier model, Sgd optimizer, Batch batch)
    {
        using var scope = Tensor.Scope();
        var loss = Loss.CrossEntropy(model.Forward(batch.Images), batch.Labels);
        using var gradients = loss.Backward();
        optimizer.Step(gradients);
        return loss.Item();
    }

    private static void SetPrototypes(Classifier model, ImageSet samples, CancellationToken cancel)
    {
        var bank = FeatureBank.Extract(model, samples, cancel: cancel);
        var (weight, d) = (model.Head.Weight.Value.ToArray(), bank.Width);
        var bias = model.Head.Bias?.Value.ToArray();
        var classes = bank.Labels.Distinct().Order().ToArray();
        var kept = Enumerable.Range(0, bank.Classes).Except(classes).DefaultIfEmpty(-1).ToArray();
        // Where every class is forgotten, the rows that are replaced set the scale.
        var norm = (kept[0] < 0 ? classes : kept).Average(c => Norm(weight.AsSpan(c * d, d)));
        foreach (var c in classes)
        {
            var rows = Enumerable.Range(0, bank.Count).Where(i => bank.Labels[i] == c).ToArray();
            var mean = new float[d];
            foreach (var row in rows)
            {
                for (var j = 0; j < d; j++)
                    mean[j] += bank.Features[(row * d) + j] / rows.Length;
            }

            var length = Norm(mean);
            for (var j = 0; j < d; j++)
                weight[(c * d) + j] = length == 0 ? 0 : (float)(mean[j] * norm / length);
            if (bias is null)
                continue;
            // How far each image's own score, without a bias, lies below the best of the other classes.
            var missing = rows.Select(row => Best(row, c) - Score(row, c)).Order().ToArray();
            bias[c] = MathF.BitIncrement((float)missing[((3 * rows.Length) + 3) / 4 - 1]);
        }

        using var noGrad = Tensor.NoGrad();
        model.Head.Weight.Value.CopyFrom<float>(weight);
        if (bias is not null)
            model.Head.Bias!.Value.CopyFrom<float>(bias);

        double Score(int row, int c)
        {
            var sum = 0.0;
            for (var j = 0; j < d; j++)
                sum += (double)weight[(c * d) + j] * bank.Features[(row * d) + j];
            return sum;
        }

        double Best(int row, int except)
        {
            var best = double.NegativeInfinity;
            for (var c = 0; c < bank.Classes; c++)
                best = c == except ? best : Math.Max(best, bank.Logits[(row * bank.Classes) + c]);
            return best;
        }
    }

    private static double Norm(ReadOnlySpan<float> values)
    {
        var sum = 0.0;
        foreach (var value in values)
            sum += (double)value * value;
        return Math.Sqrt(sum);
    }

    // The attacker's images of each class, and the rest of D_f.
    private static (ImageSet Samples, ImageSet Others) Samples(ImageSet forget, RelearningOptions options)
    {
        if (forget.Count == 0)
            throw Guard.Bad("relearning: there is no image to forget, wants one or more");
        var left = forget.CountPerClass().Select(n => n > 0 ? Math.Clamp(n / 2, 1, options.Samples) : 0).ToArray();
        List<int> samples = [], rest = [];
        foreach (var i in new RandomSource(options.Seed, MetricStreams.RelearningSamples).Permutation(forget.Count))
            (left[forget.Label(i)]-- > 0 ? samples : rest).Add(i);
        return (forget.Subset(samples.Order().ToArray(), "the attacker's images"), forget.Subset(rest.Order().ToArray(), "D_f without them"));
    }

    private static ImageSet Draw(ImageSet images, RelearningOptions options, ulong stream) => images.Count <= options.MaxImages
        ? images
        : images.Subset(new RandomSource(options.Seed, stream).Permutation(images.Count).AsSpan(0, options.MaxImages), images.Name);

    private sealed record Judged(ImageSet Forget, ImageSet ForgetTest, ImageSet RemainTest)
    {
        public RelearningPoint Of(Classifier model, int steps, CancellationToken cancel)
        {
            return new RelearningPoint(steps, Accuracy(Forget), Accuracy(ForgetTest), Accuracy(RemainTest));
            double? Accuracy(ImageSet images) => images.Count == 0 ? null : FeatureBank.Extract(model, images, cancel: cancel).Accuracy;
        }
    }
}

/// <summary>How it is measured how fast a model learns again what it was made to forget.</summary>
public sealed record RelearningOptions
{
    private static readonly IReadOnlyList<int> DefaultSteps = [1, 5, 10, 50];

    /// <summary>The defaults.</summary>
    public static RelearningOptions Default { get; } = new();

    /// <summary>The steps of fine-tuning after which the accuracies are taken, ascending.</summary>
    public IReadOnlyList<int> Steps { get; init; } = DefaultSteps;

    /// <summary>Images of each forgotten class that an attacker has kept (at most half of those that there are).</summary>
    public int Samples { get; init; } = 10;

    /// <summary>The learning rate of SGD.</summary>
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The momentum of SGD.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Images of a step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Takes the accuracies of so many images of a set at most, drawn by <see cref="Seed"/>.</summary>
    public int MaxImages { get; init; } = 1000;

    /// <summary>Seed of the order of batches and of every draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "relearning";
        ArgumentNullException.ThrowIfNull(Steps);
        if (Steps.Count == 0 || Steps[0] < 1 || Steps.Zip(Steps.Skip(1)).Any(s => s.First >= s.Second))
            throw new UsageException($"relearning: steps: got {string.Join(", ", Steps)}, wants one or more numbers from 1, ascending");
        UsageException.RequireCount(operation, "samples", Samples);
        UsageException.RequireCount(operation, "batch", Batch);
        UsageException.RequireCount(operation, "max images", MaxImages);
        UsageException.RequirePositive(operation, "learning rate", LearningRate);
        UsageException.Require(Momentum is >= 0 and < 1, operation, "momentum", Momentum, "0 or more and less than 1");
    }
}

/// <summary>A model on its way back.</summary>
/// <param name="Steps">Steps of fine-tuning.</param>
/// <param name="Forget">Accuracy on D_f without the attacker's samples, in per cent; null if there is none, or it diverged.</param>
/// <param name="ForgetTest">Accuracy on D_ft, in per cent; null likewise.</param>
/// <param name="RemainTest">Accuracy on D_rt, in per cent: what the attack costs; null likewise.</param>
public sealed record RelearningPoint(int Steps, double? Forget, double? ForgetTest, double? RemainTest);

/// <summary>How fast a model learns again what it was made to forget.</summary>
/// <param name="OnRemain">Fine-tuned on D_r alone; the first point is the model as it is.</param>
/// <param name="OnSamples">Fine-tuned on a few images of the forgotten classes; the first point is the model as it is.</param>
/// <param name="Prototypes">With the head's rows replaced by prototypes: no step of training.</param>
/// <param name="Samples">Images that the attacker has, of all forgotten classes.</param>
/// <param name="ForgetImages">Images of D_f that the accuracies are over.</param>
/// <param name="ForgetTestImages">Images of D_ft.</param>
/// <param name="RemainTestImages">Images of D_rt.</param>
public sealed record RelearningResult(
    IReadOnlyList<RelearningPoint> OnRemain, IReadOnlyList<RelearningPoint> OnSamples, RelearningPoint Prototypes, int Samples,
    int ForgetImages, int ForgetTestImages, int RemainTestImages);
