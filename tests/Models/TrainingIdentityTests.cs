using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Models;

/// <summary>A training checkpoint belongs to its question: whatever differs is refused by name.</summary>
public sealed class TrainingIdentityTests
{
    private static readonly TrainOptions Recipe = new() { Epochs = 2, BatchSize = 16, LearningRate = 0.05, CropPadding = 2, Seed = 9 };

    private static readonly Dictionary<string, Func<TrainOptions, TrainOptions>> Changes = new()
    {
        ["epochs"] = r => r with { Epochs = 3 },
        ["batch"] = r => r with { BatchSize = 8 },
        ["learning-rate"] = r => r with { LearningRate = 0.0500001 },
        ["momentum"] = r => r with { Momentum = 0.8 },
        ["momentum-swing"] = r => r with { MomentumSwing = 0.04 },
        ["weight-decay"] = r => r with { WeightDecay = 0 },
        ["flip"] = r => r with { Flip = false },
        ["crop"] = r => r with { CropPadding = 3 },
        ["resized-crop"] = r => r with { ResizedCrop = new RandomResizedCrop() },
        ["seed"] = r => r with { Seed = 10 },
    };

    // Random parts want photos: PhotoCommandTests goes on with them.
    public static TheoryData<string> Parts => [.. Changes.Keys.Where(part => part != "resized-crop")];

    [Theory]
    [MemberData(nameof(Parts))]
    public void Another_value_of_the_recipe_is_another_run(string part) => Refused(part, Small(), SmallImages.Data(24, 8), Changes[part](Recipe));

    [Fact]
    public void Every_value_of_a_recipe_is_part_of_it_but_for_when_it_stops()
    {
        string[] outside = ["StopAfter", "CheckpointPath", "Resume"];
        var properties = typeof(TrainOptions).GetProperties().Select(p => p.Name).Except(outside);
        Assert.Equal(properties.Order(StringComparer.Ordinal), Changes.Values.Select(Changed).Order(StringComparer.Ordinal));

        static string Changed(Func<TrainOptions, TrainOptions> change) =>
            typeof(TrainOptions).GetProperties().Single(p => !Equals(p.GetValue(Recipe), p.GetValue(change(Recipe)))).Name;
    }

    [Fact]
    public void Other_images_or_another_model_are_another_run()
    {
        var data = SmallImages.Data(24, 8);
        Refused("training images", Small(), new DataSet("stripes", SmallImages.Set(24, 7), data.Test, data.Normalisation));
        Refused("test images", Small(), new DataSet("stripes", data.Train, SmallImages.Set(8, 7), data.Normalisation));
        Refused("normalisation", Small(d => d with { Normalisation = Normalisation.Cifar10 }), data);
        Refused("classes", Small(d => d with { ClassNames = ["a", "b", "c", "d"] }), data);
        Refused("width", Small(d => d with { Hyperparameters = new AllCnnHyperparameters(0.04) }), data);
    }

    [Fact]
    public void The_same_question_is_taken_up()
    {
        using var folder = new TemporaryFolder();
        var path = Stopped(folder);
        using var fresh = Small();
        Assert.Equal(2, new Trainer(fresh, SmallImages.Data(24, 8), Recipe with { CheckpointPath = path, Resume = true }).Run().Count);
    }

    [Fact]
    public void A_file_that_is_no_checkpoint_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        ModelFile.Save(model, folder["model.safetensors"]);
        var trainer = new Trainer(model, SmallImages.Data(24, 8), Recipe with { CheckpointPath = folder["model.safetensors"], Resume = true });
        Assert.Contains("is not a checkpoint of a training run", Assert.Throws<DataFormatException>(() => trainer.Run()).Message, StringComparison.Ordinal);
    }

    private static void Refused(string part, Classifier model, DataSet data, TrainOptions? recipe = null)
    {
        using (model)
        {
            using var folder = new TemporaryFolder();
            var path = Stopped(folder);
            var before = File.ReadAllBytes(path);
            var error = Assert.Throws<DataFormatException>(() => new Trainer(model, data, (recipe ?? Recipe) with { CheckpointPath = path, Resume = true }).Run());
            Assert.Contains("is a checkpoint of another run", error.Message, StringComparison.Ordinal);
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, File.ReadAllBytes(path));
        }
    }

    private static string Stopped(TemporaryFolder folder)
    {
        var path = folder["run.safetensors"];
        using var model = Small();
        new Trainer(model, SmallImages.Data(24, 8), Recipe with { CheckpointPath = path, StopAfter = 1 }).Run();
        return path;
    }

    private static Classifier Small(Func<ModelDescription, ModelDescription>? change = null)
    {
        var description = new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.03), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half };
        return Architectures.Create(change?.Invoke(description) ?? description, 5);
    }
}
