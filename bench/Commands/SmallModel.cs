using System.Globalization;
using EscNative.Bench.Output;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Commands;

/// <summary>The model of the main job on a machine without data: All-CNN on the embedded images, trained once and kept.</summary>
internal static class SmallModel
{
    private const string Architecture = "allcnn";
    private const double Width = 0.5;

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
        var data = Inputs.Open(EmbeddedData.Name);
        var recipe = Recipe(seed);
        var key = ModelCache.Key(
            Product.Line, Architecture, Width.ToString("R", CultureInfo.InvariantCulture), recipe.ToString(), data.Train.ContentHash());
        if (cache.Problem is { } problem)
            context.Terminal.Note($"the trained model is not kept: {problem}");
        if (cache.Find(key, out var damaged) is { } found && Loads(found, out damaged))
            return (found, "trained on the embedded images by an earlier run (cache)", null);
        if (damaged is not null)
            context.Terminal.Note($"the cached model {Setup.NameOf(damaged)} is damaged: training a new one");

        using var progress = new ProgressLine(context.Terminal);
        var (model, training) = TrainCommand.Train(data, Architecture, Width, recipe, device, progress, context.Cancel);
        using (model)
        {
            var path = Path.Combine(scratch, "model.safetensors");
            void Write(string file) => ModelFile.Save(model, file, force: true, TrainCommand.Record(data, recipe, training));
            if (cache.Problem is null)
                path = cache.Keep(key, Write);
            else
                Write(path);
            return (path, "trained on the embedded images by this run", training);
        }
    }

    private static bool Loads(string path, out string? damaged)
    {
        damaged = null;
        try
        {
            ModelFile.Load(path).Dispose();
            return true;
        }
        catch (EscException)
        {
            damaged = path;
            return false;
        }
    }
}
