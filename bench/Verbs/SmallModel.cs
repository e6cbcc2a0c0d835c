using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Verbs;

/// <summary>The model of the main job on a machine without data: All-CNN on the embedded images, trained once and kept.</summary>
internal static class SmallModel
{
    private const string Seconds = "seconds";
    private static readonly AllCnnHyperparameters Network = new(0.5);

    /// <summary>How many features it has.</summary>
    public static int Features => AllCnn.FeaturesOf(Network.Width);

    /// <summary>The recipe: short enough for a minute on two cores.</summary>
    public static TrainOptions Recipe(int seed) => new() { Epochs = 10, BatchSize = 50, LearningRate = 0.05, Seed = (ulong)seed };

    /// <summary>Takes the model from the cache, or trains it.</summary>
    /// <param name="cache">Where it may lie.</param>
    /// <param name="scratch">A folder for it where the cache cannot be used.</param>
    /// <param name="seed">The recipe's seed.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="context">Where to tell what happens.</param>
    /// <returns>Its file, where it came from in words, and what training did, if there was any.</returns>
    public static (string Path, string Source, TrainingResult? Training) Get(
        ModelCache cache, string scratch, int seed, Device device, CommandContext context)
    {
        var path = Path.Combine(scratch, "model.safetensors");
        using var progress = new ProgressLine(context.Terminal);
        var training = Make(cache, Key(Recipe(seed), device), path, () => Inputs.Open(EmbeddedData.Name, Network), seed, device, context, progress, "train", timed: false);
        return (path, training is null ? "trained on the embedded images by an earlier run (cache)" : "trained on the embedded images by this run", training);
    }

    /// <summary>Takes the Retrain reference of a request from the cache, or trains it: the same recipe on the images that are to be kept.</summary>
    /// <param name="cache">Where it may lie.</param>
    /// <param name="scratch">A folder for it.</param>
    /// <param name="seed">The recipe's seed.</param>
    /// <param name="split">The embedded images, cut along the request.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="context">Where to tell what happens.</param>
    /// <param name="progress">Where to tell how far it is.</param>
    /// <returns>Its file, how long its training took here, and whether an earlier run trained it.</returns>
    public static RetrainReference GetRetrain(
        ModelCache cache, string scratch, int seed, ForgetSplit split, Device device, CommandContext context, ProgressLine progress)
    {
        var path = Path.Combine(scratch, $"retrain-{Guid.NewGuid():N}.safetensors");
        var training = Make(
            cache, Key(Recipe(seed), device, split.Request.Describe()), path, () => split.Remaining, seed, device, context, progress, "train Retrain", timed: true);
        return new RetrainReference(path, training?.Seconds ?? SecondsOf(path), Cached: training is null);
    }

    // What training did, or null where an earlier run did it.
    private static TrainingResult? Make(
        ModelCache cache, string key, string path, Func<DataSet> images, int seed, Device device, CommandContext context, ProgressLine progress, string step, bool timed)
    {
        if (cache.Problem is { } problem)
            context.Terminal.Note($"the trained model is not kept: {problem}");
        if (cache.Take(key, path, out var damaged))
            return null;
        if (damaged is not null)
            context.Terminal.Note($"the cached model {Setup.NameOf(damaged)} is damaged: training a new one");

        var (recipe, data) = (Recipe(seed), images());
        var (model, training) = TrainCommand.Train(data, Network, recipe, device, progress, context.Cancel, step);
        using (model)
        {
            var record = TrainCommand.Record(data, recipe, training);
            if (timed)
                record[Seconds] = training.Seconds.ToString("R", CultureInfo.InvariantCulture);
            ModelFile.Save(model, path, force: true, record);
            if (cache.Problem is null)
                Keep(cache, key, path, context);
        }

        return training;
    }

    // How long training took belongs to a report whoever trained; it is no property of a model, so that other files do not have it.
    private static double SecondsOf(string path)
    {
        using var file = ArrayFile.Open(path);
        return file.Metadata.TryGetValue(MethodSettings.NotePrefix + Seconds, out var text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : double.NaN;
    }

    /// <summary>The cache's key: everything that determines the model.</summary>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="device">Where: another device rounds otherwise.</param>
    /// <param name="without">What it is not shown, or null.</param>
    public static string Key(TrainOptions recipe, Device device, string? without = null) => ModelCache.Key(
        [Network.Architecture, Network.Width.ToString("R", CultureInfo.InvariantCulture), .. Values(recipe), InstructionSets.InUse, .. device.Identity, .. Builds(), .. without is null ? [] : (string[])[$"without {without}"]]);

    // Not the record's own text: where a checkpoint lies is no cause.
    private static string[] Values(TrainOptions recipe) =>
    [
        .. new object[]
        {
            recipe.Epochs, recipe.StopAfter, recipe.BatchSize, recipe.LearningRate, recipe.Momentum, recipe.MomentumSwing, recipe.WeightDecay,
            recipe.Flip, recipe.CropPadding, recipe.ResizedCrop?.ToString() ?? "none", recipe.Seed,
        }.Select(value => Convert.ToString(value, CultureInfo.InvariantCulture)!),
    ];

    // A full disk costs the next run's time, not this one's result.
    private static void Keep(ModelCache cache, string key, string path, CommandContext context)
    {
        try
        {
            cache.Keep(key, file => File.Copy(path, file));
        }
        catch (OutputException failure)
        {
            context.Terminal.Note($"the trained model is not kept: {failure.Message}");
        }
    }

    // The images and all code that trains are in these assemblies, whose ids are hashes of what they were built from. (Opening the
    // images to hash them would warm up the request whose cold time is measured next.)
    private static IEnumerable<string> Builds() =>
        new[] { typeof(PeakProbe), typeof(Tensor), typeof(EmbeddedData), typeof(SmallModel) }.Select(type => type.Module.ModuleVersionId.ToString("N"));
}

/// <summary>A model that never saw what is to be forgotten, trained by this tool.</summary>
/// <param name="File">Its file.</param>
/// <param name="Seconds">How long its training took on this machine; NaN where its file does not say.</param>
/// <param name="Cached">Whether an earlier run trained it.</param>
internal sealed record RetrainReference(string File, double Seconds, bool Cached);
