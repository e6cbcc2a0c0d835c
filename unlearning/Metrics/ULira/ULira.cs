using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>
/// Offline U-LiRA (Hayes et al., 2024): the strongest known test of whether forgetting single images leaves traces. Shadow models are
/// trained with a random half of the target images each, made to forget that half, and asked about all targets.
/// </summary>
/// <remarks>
/// It judges a method together with its training recipe, not one model: every shadow costs a training and a request. Half of the
/// shadows have every target. Equal options and seeds give equal bits, for any number of threads and across interruptions.
/// </remarks>
public static class ULira
{
    /// <summary>Its column where methods are compared.</summary>
    public static MetricColumn Column { get; } = new(ComparisonTable.Knowledge, 90, "U-LiRA", "U-LiRA", "AUC");

    /// <summary>Shadows by the usual training and a method of unlearning.</summary>
    /// <param name="description">What to train.</param>
    /// <param name="training">The recipe; its seed is replaced by each shadow's.</param>
    /// <param name="method">Makes a new instance of the method.</param>
    /// <param name="options">The method's options; their seed is replaced by each shadow's.</param>
    /// <param name="device">Where to train; the CPU by default.</param>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public static ULiraShadow Shadow(
        ModelDescription description, TrainOptions training, Func<IUnlearningMethod> method, UnlearningOptions? options = null,
        Engine.Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(training);
        training.Validate();
        options?.Validate();
        return (split, seed, cancel) =>
        {
            var model = Architectures.Create(description, seed, device);
            try
            {
                new Trainer(model, split.Data, training with { Seed = seed, CheckpointPath = null, Resume = false }).Run(cancel: cancel);
                var instance = method();
                instance.Run(UnlearningContext.For(instance, model, split, (options ?? new UnlearningOptions()) with { Seed = seed }), cancel: cancel);
                return model;
            }
            catch
            {
                model.Dispose();
                throw;
            }
        };
    }

    /// <summary>Trains the shadows and attacks them.</summary>
    /// <param name="data">The images. Targets are training images.</param>
    /// <param name="shadow">Makes a model: trains it, and makes it forget.</param>
    /// <param name="recipe">What <paramref name="shadow"/> does, in words: answers kept under another recipe are not used.</param>
    /// <param name="options">How; <see cref="ULiraOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the shadows that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels; shadows that are done stay in the folder.</param>
    /// <exception cref="UsageException">Options that make no sense, or more targets than training images leave.</exception>
    /// <exception cref="EscException">A shadow's answers are no finite numbers.</exception>
    public static ULiraResult Run(
        DataSet data, ULiraShadow shadow, string recipe, ULiraOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(shadow);
        options ??= ULiraOptions.Default;
        options.Validate();
        if (options.Targets >= data.Train.Count)
            throw new UsageException($"U-LiRA: got {options.Targets} targets, {data.Train.Name} has {data.Train.Count} images; wants fewer");
        var targets = new RandomSource(options.Seed, MetricStreams.ULiraTargets).Permutation(data.Train.Count)[..options.Targets];
        var forgot = Inclusion(options);
        var key = KeyOf(data, recipe, options);
        var confidences = new double[options.Shadows][];
        for (var s = 0; s < options.Shadows; s++)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Report((double)s / options.Shadows);
            var file = options.Folder is null ? null : Path.Combine(options.Folder, string.Create(CultureInfo.InvariantCulture, $"shadow-{s:000}.txt"));
            confidences[s] = Kept(file, key, options.Targets) ?? Answers(data, shadow, targets, forgot[s], options.Seed + (ulong)s, cancel);
            if (file is not null)
                Keep(file, key, confidences[s]);
        }

        progress?.Report(1);
        return ULiraStatistics.Judge(ULiraStatistics.Ratios(confidences, forgot, options.OwnVarianceFrom), forgot, options.Seed);
    }

    /// <summary>What a shadow's answers depend on: those kept under another key are not used.</summary>
    internal static string KeyOf(DataSet data, string recipe, ULiraOptions options) => string.Create(
        CultureInfo.InvariantCulture,
        $"escnative.ulira/2 version {typeof(ULira).Assembly.GetName().Version!.ToString(3)} seed {options.Seed} shadows {options.Shadows} targets {options.Targets} images {data.Train.ContentHash()} test {data.Test.ContentHash()} recipe {recipe}").ReplaceLineEndings(" ");

    // [shadows][targets]: every target is in exactly half of the shadows, drawn anew for each.
    internal static bool[][] Inclusion(ULiraOptions options)
    {
        var random = new RandomSource(options.Seed, MetricStreams.ULiraInclusion);
        var included = Enumerable.Range(0, options.Shadows).Select(_ => new bool[options.Targets]).ToArray();
        for (var x = 0; x < options.Targets; x++)
        {
            foreach (var s in random.Permutation(options.Shadows).Take(options.Shadows / 2))
                included[s][x] = true;
        }

        return included;
    }

    private static double[] Answers(
        DataSet data, ULiraShadow shadow, int[] targets, bool[] included, ulong seed, CancellationToken cancel)
    {
        var left = targets.Where((_, x) => !included[x]).ToHashSet();
        int[] trained = [.. Enumerable.Range(0, data.Train.Count).Where(i => !left.Contains(i))];
        // A request names images by their ids, whatever subset they are in.
        int[] request = [.. targets.Where((_, x) => included[x]).Select(data.Train.Id)];
        if (request.Length == 0)
            throw new UsageException($"U-LiRA: a shadow drew none of {targets.Length} targets; wants more targets");
        var own = new DataSet(data.Name, data.Train.Subset(trained, "a shadow's images"), data.Test, data.Normalisation);
        using var model = shadow(ForgetSplit.Create(own, ForgetRequest.ForIndices(request)), seed, cancel);
        var bank = FeatureBank.Extract(model, data.Train.Subset(targets, "targets"), cancel: cancel);
        var answers = new double[targets.Length];
        for (var x = 0; x < answers.Length; x++)
        {
            answers[x] = ULiraStatistics.Confidence(bank.Logits.AsSpan(x * bank.Classes, bank.Classes), bank.Labels[x]);
            if (!double.IsFinite(answers[x]))
                throw Guard.Bad($"U-LiRA: the shadow of seed {seed} answers {answers[x]} about target {x}, wants a finite number: it diverged");
        }

        return answers;
    }

    private static double[]? Kept(string? file, string key, int targets)
    {
        const int limit = 64 << 20;
        if (file is null || !File.Exists(file))
            return null;
        // One that is damaged or another run's is made anew; one that cannot be read is an error.
        var content = InputFile.ReadAll(file, limit);
        var lines = System.Text.Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length != targets + 1 || lines[0] != key)
            return null;
        var values = new double[targets];
        for (var x = 0; x < targets; x++)
        {
            if (!double.TryParse(lines[x + 1], NumberStyles.Float, CultureInfo.InvariantCulture, out values[x]) || !double.IsFinite(values[x]))
                return null;
        }

        return values;
    }

    private static void Keep(string file, string key, double[] values)
    {
        AtomicFile.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
        AtomicFile.Write(
            file,
            stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
                writer.WriteLine(key);
                foreach (var value in values)
                    writer.WriteLine(value.ToString("R", CultureInfo.InvariantCulture));
            },
            force: true);
    }
}

/// <summary>Trains a model on all training images of a split, and makes it forget D_f.</summary>
/// <param name="split">The training images of this model, and the targets among them that it must forget.</param>
/// <param name="seed">The seed of this model's training and forgetting.</param>
/// <param name="cancel">Cancels it.</param>
/// <returns>The model after forgetting; the caller disposes it.</returns>
public delegate Classifier ULiraShadow(ForgetSplit split, ulong seed, CancellationToken cancel);

/// <summary>How offline U-LiRA is run.</summary>
public sealed record ULiraOptions
{
    /// <summary>The defaults.</summary>
    public static ULiraOptions Default { get; } = new();

    /// <summary>Models that are trained and made to forget: each is one training and one request. Published figures rest on 64 to 256.</summary>
    public int Shadows { get; init; } = 16;

    /// <summary>Training images that the attack is about, drawn by <see cref="Seed"/>. Each model trains on one half of them and forgets it.</summary>
    public int Targets { get; init; } = 500;

    /// <summary>
    /// An example has a variance of its own from so many models of a world on; below, all examples of the world share one (the advice
    /// of LiRA for few models).
    /// </summary>
    public int OwnVarianceFrom { get; init; } = 16;

    /// <summary>Seed of the targets, of who trains on which, and (with the model's number) of the trainings.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Where finished models' answers are kept, so that a cancelled run goes on; or null.</summary>
    public string? Folder { get; init; }

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "U-LiRA";
        UsageException.Require(
            Shadows >= 6 && Shadows % 2 == 0, operation, "shadows", Shadows,
            "an even number from 6: a Gaussian needs two of each world beside the one that is left out");
        UsageException.RequireCount(operation, "targets", Targets, least: 2);
        UsageException.RequireCount(operation, "own variance from", OwnVarianceFrom, least: 2);
    }
}

/// <summary>How well an attacker who knows the distribution of models tells forgotten images from images never trained on.</summary>
/// <param name="BalancedAccuracy">Of the sign of the log-likelihood ratio, in per cent; 50 is the ideal.</param>
/// <param name="Auc">Area under the ROC curve of the ratio; 0.5 is the ideal.</param>
/// <param name="TruePositives">Share of forgotten images found at 1 % false positives, in per cent; 1 is the ideal.</param>
/// <param name="BalancedAccuracyInterval">By resampling the targets.</param>
/// <param name="AucInterval">By resampling the targets.</param>
/// <param name="TruePositivesInterval">By resampling the targets.</param>
/// <param name="Shadows">How many models.</param>
/// <param name="Targets">How many images.</param>
/// <param name="Seed">The seed.</param>
public sealed record ULiraResult(
    double BalancedAccuracy, double Auc, double TruePositives, Interval BalancedAccuracyInterval, Interval AucInterval,
    Interval TruePositivesInterval, int Shadows, int Targets, ulong Seed)
{
    /// <summary>The rows of a report.</summary>
    public IReadOnlyList<MetricResult> Rows =>
    [
        Row("balanced accuracy", BalancedAccuracy, "%", "50", BalancedAccuracyInterval), Row("AUC", Auc, "", "0.5", AucInterval),
        Row("TPR at 1 % FPR", TruePositives, "%", "1", TruePositivesInterval),
    ];

    private MetricResult Row(string name, double value, string unit, string ideal, Interval interval) => new()
    {
        Metric = "U-LiRA",
        Name = name,
        Value = value,
        Original = null,
        Unit = unit,
        Definition = "likelihood-ratio attack on forgotten against never trained images, a Gaussian of the confidence for each image and world (Hayes et al., 2024)",
        Ideal = ideal,
        Direction = MetricDirection.Lower,
        N = Targets * Shadows,
        Interval = interval,
        IntervalBasis = "bootstrap over the images",
        Seed = Seed,
        Setting = $"{Shadows} models, {Targets} images",
    };
}
