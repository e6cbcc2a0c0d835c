using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Kernels.Cpu;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Verbs;

/// <summary>The model of the main job on a machine without data: All-CNN on the embedded images, trained once and kept.</summary>
internal static class SmallModel
{
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
        var recipe = Recipe(seed);
        var key = Key(recipe, device);
        var path = Path.Combine(scratch, "model.safetensors");
        if (cache.Problem is { } problem)
            context.Terminal.Note($"the trained model is not kept: {problem}");
        if (cache.Take(key, path, out var damaged))
            return (path, "trained on the embedded images by an earlier run (cache)", null);
        if (damaged is not null)
            context.Terminal.Note($"the cached model {Setup.NameOf(damaged)} is damaged: training a new one");

        var data = Inputs.Open(EmbeddedData.Name, Network);
        using var progress = new ProgressLine(context.Terminal);
        var (model, training) = TrainCommand.Train(data, Network, recipe, device, progress, context.Cancel);
        using (model)
        {
            ModelFile.Save(model, path, force: true, TrainCommand.Record(data, recipe, training));
            if (cache.Problem is null)
                Keep(cache, key, path, context);
            return (path, "trained on the embedded images by this run", training);
        }
    }

    /// <summary>The cache's key: everything that determines the model.</summary>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="device">Where: another device rounds otherwise.</param>
    public static string Key(TrainOptions recipe, Device device) => ModelCache.Key(
        [Network.Architecture, Network.Width.ToString("R", CultureInfo.InvariantCulture), .. Values(recipe), InstructionSets.InUse, .. device.Identity, .. Builds()]);

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
