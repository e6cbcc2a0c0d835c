using System.CommandLine;
using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;

namespace EscNative.Bench.Verbs;

/// <summary><c>train</c>: a model from images.</summary>
internal static class TrainCommand
{
    private const string ResizedCrops = "random-resized-crop";

    public static Verb Verb(OptionSet options) => new(
        "train",
        "Trains a classifier and writes it as a model file.",
        [
            options.Output, options.Data, options.Identities, options.Resize, options.OnBadImage, options.ImageMemory, options.Architecture, options.Width, options.Stem, options.ImageSize, options.Epochs, options.Batch, options.LearningRate, options.WeightDecay, options.Crop, options.Augment, options.CropScale, options.CropRatio, options.WithoutClass,
            options.Checkpoint, options.Resume, options.StopAfter, options.Seed, options.Device, options.Threads, options.Precision, options.Json, options.Html, options.Force,
            options.Config, options.Quiet,
        ],
        [
            "escnative train --output model.safetensors",
            "escnative train --data ./cifar-10-batches-bin --epochs 12 --output model.safetensors --checkpoint run.ckpt",
            "escnative train --data ./cifar-10-batches-bin --without-class 4 --output retrain.safetensors",
            "escnative train --data ./cifar-100-binary --arch resnet18 --stem cifar --output resnet.safetensors",
            "escnative train --data ./photos --arch resnet18 --augment random-resized-crop --output resnet.safetensors",
            "escnative train --data ./photos --augment random-resized-crop --crop-scale 0.5,1 --output model.safetensors",
        ],
        Run);

    /// <summary>Trains and says what came of it.</summary>
    public static (Classifier Model, TrainingResult Result) Train(
        DataSet data, Hyperparameters network, TrainOptions recipe, Device device, ProgressLine progress, CancellationToken cancel, string step = "train")
    {
        var description = new ModelDescription
        {
            Hyperparameters = network,
            Channels = data.Train.Channels,
            ClassNames = data.ClassNames,
            Normalisation = data.Normalisation,
        };
        var model = Architectures.Create(description, recipe.Seed, device);
        try
        {
            var trainer = new Trainer(model, data, recipe);
            var history = trainer.Run(
                new SynchronousProgress<TrainProgress>(p => progress.Report(
                    step, (p.Epoch + ((double)p.Step / p.StepsPerEpoch)) / p.Epochs,
                    string.Create(CultureInfo.InvariantCulture, $"epoch {p.Epoch + 1}/{p.Epochs}, loss {p.Loss:0.000}, accuracy {p.Accuracy:0.0} %"))),
                cancel);
            var last = history[^1];
            return (model, new TrainingResult(
                history.Count, recipe.BatchSize, recipe.LearningRate, recipe.WeightDecay, history.Sum(e => e.Seconds),
                last.Loss, last.TrainAccuracy, last.TestAccuracy, recipe.Resume));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>What of a recipe a saved model should tell.</summary>
    public static Dictionary<string, string> Record(DataSet data, TrainOptions recipe, TrainingResult result)
    {
        var record = new Dictionary<string, string>
        {
            ["data"] = data.Name,
            ["epochs"] = recipe.Epochs.ToString(CultureInfo.InvariantCulture),
            ["batch"] = recipe.BatchSize.ToString(CultureInfo.InvariantCulture),
            ["learning-rate"] = recipe.LearningRate.ToString("R", CultureInfo.InvariantCulture),
            ["weight-decay"] = recipe.WeightDecay.ToString("R", CultureInfo.InvariantCulture),
            ["crop"] = recipe.CropPadding.ToString(CultureInfo.InvariantCulture),
            ["augment"] = recipe.ResizedCrop is null ? recipe.Flip ? "flip" : "none" : ResizedCrops,
            ["seed"] = recipe.Seed.ToString(CultureInfo.InvariantCulture),
            ["test-accuracy"] = result.TestAccuracy.ToString("0.00", CultureInfo.InvariantCulture),
        };
        if (recipe.ResizedCrop is { } crop)
            record["resized-crop"] = crop.ToString();
        return record;
    }

    private static RandomResizedCrop? ResizedCrop(CommandContext context)
    {
        var options = context.Options;
        if (context.Get(options.Augment) != ResizedCrops)
        {
            Option? useless = context.IsTyped(options.CropScale) ? options.CropScale : context.IsTyped(options.CropRatio) ? options.CropRatio : null;
            return useless is null ? null : throw new UsageException($"{useless.Name}: says how parts of photos are drawn: give it with --augment {ResizedCrops}");
        }

        var crop = new RandomResizedCrop();
        if (context.Get(options.CropScale) is var (smallest, largest))
            crop = crop with { MinimumScale = smallest, MaximumScale = largest };
        if (context.Get(options.CropRatio) is var (narrowest, widest))
            crop = crop with { MinimumRatio = narrowest, MaximumRatio = widest };
        return crop;
    }

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        var output = context.Require(options.Output);
        var network = OptionChecks.Architecture(context);
        _ = OptionChecks.Resumed(context);
        var recipe = new TrainOptions
        {
            Epochs = context.Get(options.Epochs),
            BatchSize = context.Get(options.Batch),
            LearningRate = context.Get(options.LearningRate),
            WeightDecay = context.Get(options.WeightDecay),
            CropPadding = context.Get(options.Crop),
            ResizedCrop = ResizedCrop(context),
            Seed = (ulong)context.Get(options.Seed),
            CheckpointPath = context.Get(options.Checkpoint),
            Resume = context.Get(options.Resume),
            StopAfter = context.Get(options.StopAfter),
        };
        recipe.Validate();
        OptionChecks.Inputs(context);
        Setup.CheckOutputs(context, output, context.Get(options.Json), context.Get(options.Html));
        var (device, setup) = Setup.Take(context);
        var document = Setup.Document(context, setup);

        var data = Inputs.Open(context.Get(options.Data), network, context.Get(options.Identities), PhotoChoice.Of(context));
        if (recipe.ResizedCrop is not null && !data.Train.HasOriginals)
            throw new UsageException($"--augment: got {ResizedCrops}, and {data.Name} holds no photos in sizes of their own: leave it out, or crop from a frame (--crop 4)");
        if (context.Get(options.WithoutClass) is { } classes)
            data = ForgetSplit.Create(data, Inputs.Classes(classes, data.ClassNames)).Remaining;
        using var progress = new ProgressLine(context.Terminal);
        var (model, training) = Train(data, network, recipe, device, progress, context.Cancel);
        using (model)
        {
            var hash = Outputs.Write(context, output, stream => ModelFile.Write(model, stream, Record(data, recipe, training)));
            progress.Dispose();
            Setup.Publish(context, document with
            {
                Data = Results.Of(data, context.Get(options.Data)),
                Model = Results.Of(model, $"written to {Setup.NameOf(output)}", hash),
                Training = training,
            });
        }

        return ExitCode.Ok;
    }
}
