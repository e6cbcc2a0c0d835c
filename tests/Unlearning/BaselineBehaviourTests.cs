using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

/// <summary>What the baselines do to a network that knows the embedded images, at settings that suit so small a problem.</summary>
public sealed class BaselineBehaviourTests(BaselineBehaviourTests.Trained trained) : IClassFixture<BaselineBehaviourTests.Trained>
{
    // How much of D_f may be left at most, and how much of D_r at least, in per cent; the original has 89 and 83.
    [Theory]
    [InlineData("retrain", 0, 70, "epochs=6", "batch=32", "learning-rate=0.05")]
    [InlineData("finetune", 60, 80, "epochs=1", "batch=32")]
    [InlineData("l1-sparse", 60, 80, "epochs=1", "batch=32", "alpha=0.0005")]
    [InlineData("ng", 40, 75, "epochs=2", "batch=32", "learning-rate=0.002")]
    [InlineData("neggrad-plus", 10, 75, "epochs=2", "remain-batch=32", "alpha=0.98")]
    [InlineData("rl", 65, 65, "epochs=2", "batch=32", "learning-rate=0.002")]
    [InlineData("scrub", 10, 80, "epochs=3", "remain-batch=32", "learning-rate=0.005", "rewind=0")]
    [InlineData("salun", 10, 78, "epochs=3", "batch=32", "learning-rate=0.01")]
    [InlineData("bs", 45, 70, "epochs=2", "batch=32", "learning-rate=0.003")]
    [InlineData("badt", 70, 60, "epochs=10", "batch=16", "learning-rate=0.001")]
    public void A_baseline_forgets_the_class_and_keeps_the_others(string name, double mostForgotten, double leastRemaining, params string[] values)
    {
        var method = MethodRegistry.Create(name);
        var parameters = values.Select(v => v.Split('=')).ToDictionary(v => v[0], v => double.Parse(v[1], System.Globalization.CultureInfo.InvariantCulture));
        using var model = trained.Model();
        var result = method.Run(UnlearningContext.For(method, model, trained.Split, new UnlearningOptions { Parameters = parameters, Seed = 3 }));
        var (forgotten, remaining) = (FeatureBank.Extract(model, trained.Split.Forget).Accuracy, FeatureBank.Extract(model, trained.Split.Remain).Accuracy);
        var seen = $"{name}: D_f from {trained.ForgetAccuracy:F1} to {forgotten:F1} %, D_r from {trained.RemainAccuracy:F1} to {remaining:F1} %; {string.Join("; ", result.Notes)}";
        TestContext.Current.TestOutputHelper!.WriteLine(seen);
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
        Assert.True(forgotten <= mostForgotten, seen);
        Assert.True(remaining >= leastRemaining, seen);
    }

    /// <summary>A network of a tenth of the width, trained on half of the embedded images; kept as bytes, since tests leave no tensor behind.</summary>
    public sealed class Trained
    {
        private readonly byte[] _file;

        public Trained()
        {
            var data = EmbeddedData.Open();
            // 150 images of the class to forget, 600 of the others.
            var train = data.Train.Subset([.. Enumerable.Range(0, data.Train.Count).Where(i => data.Train.Label(i) == 4 || i % 2 == 0)], "some");
            Split = ForgetSplit.Create(new DataSet("some", train, data.Test, data.Normalisation), ForgetRequest.ForClasses(4));
            using var model = Architectures.Create(
                new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.1), Channels = 3, ClassNames = [.. data.ClassNames], Normalisation = data.Normalisation }, 1, Device.Cpu);
            new Trainer(model, Split.Data, new TrainOptions { Epochs = 10, BatchSize = 32, LearningRate = 0.08, Seed = 1 }).Run();
            (ForgetAccuracy, RemainAccuracy) = (FeatureBank.Extract(model, Split.Forget).Accuracy, FeatureBank.Extract(model, Split.Remain).Accuracy);
            using var folder = new TemporaryFolder();
            ModelFile.Save(model, folder["model.safetensors"]);
            _file = File.ReadAllBytes(folder["model.safetensors"]);
        }

        public ForgetSplit Split { get; }

        public double ForgetAccuracy { get; }

        public double RemainAccuracy { get; }

        public Classifier Model()
        {
            using var file = SafetensorsFile.Open(new MemoryStream(_file), "trained on embedded images");
            return ModelFile.Load(file, Device.Cpu);
        }
    }
}
