using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Tests.Docs;

/// <summary>The C# blocks of README.md, compiled and run; <see cref="ReadmeTests"/> compares the texts.</summary>
public sealed class ReadmeSnippets
{
    [Fact]
    public void Train_a_network()
    {
        // snippet: train
        using var network = new Sequential(new Linear(2, 16, new RandomSource(1)), new Relu(), new Linear(16, 2, new RandomSource(2)));
        using var sgd = new Sgd(network.Parameters, learningRate: 0.5, momentum: 0.9);
        using var x = Tensor.From([0f, 0, 0, 1, 1, 0, 1, 1], (4, 2));
        using var y = Tensor.From([0, 1, 1, 0], 4);
        double last = 0;
        for (var step = 0; step < 300; step++)
        {
            using var scope = Tensor.Scope();                 // frees every intermediate tensor
            var loss = Loss.CrossEntropy(network.Forward(x), y);
            using var gradients = loss.Backward();
            sgd.Step(gradients);
            last = loss.Item();
        }
        // end
        Assert.InRange(last, 0, 0.05);
    }

    [Fact]
    public void Erase_a_class()
    {
        using var folder = new TemporaryFolder();
        using (var trained = SmallImages.Model())
            ModelFile.Save(trained, folder["model.safetensors"]);
        var data = SmallImages.Data();
        var (modelPath, erasedPath) = (folder["model.safetensors"], folder["erased.safetensors"]);

        // snippet: erase
        using var model = ModelFile.Load(modelPath);
        var split = ForgetSplit.Create(data, ForgetRequest.ForClasses(2));
        var result = new Esc().Run(new UnlearningContext(model, split.Forget, new UnlearningOptions { Directions = 1 }));
        Console.WriteLine($"{result.Images} images, {result.Seconds:0.00} s, energy removed {result.Subspace!.EnergyRemoved:P1}");
        ModelFile.Save(model, erasedPath);                    // the erasure is part of the file
        // end
        using var again = ModelFile.Load(erasedPath);
        Assert.Equal(1, again.Erasure!.Factors[0].Rank);
    }

    [Fact]
    public void Compare_methods()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var data = SmallImages.Data();

        // snippet: compare
        var runner = new ScenarioRunner(model, "my model", data);
        foreach (var trial in Scenario.ClassWise.Trials(data, trials: 2, seed: 42))
        {
            foreach (var name in (string[])["scrub", "esc-t", "leace"])
            {
                var run = runner.Run(MethodRegistry.Create(name), trial);
                Console.WriteLine($"{name}, {run.Requests[0].Request}: {run.Seconds:0.00} s, D_f {run.Evaluation!.Accuracies!.Forget:0.0} %");
            }
        }
        // end
        // Every method worked on a copy.
        Assert.Null(model.Erasure);
    }

    [Fact]
    public void Compile_a_model()
    {
        using var model = SmallImages.Model();
        const int count = 3;
        var set = SmallImages.Set(count, 5);
        byte[] images = [.. Enumerable.Range(0, count).SelectMany(i => set.Pixels(i).ToArray())];

        // snippet: compile
        using var extractor = CompiledExtractor.Compile(model, 32, 32);   // a copy: batch norm folded, ReLU fused, memory planned once
        var features = new float[count * extractor.FeatureWidth];         // erased, if the model is
        var scores = new float[count * extractor.Classes];
        extractor.Run(images, features, scores);                          // bytes [n, 32, 32, 3]; any number of threads may call it at once
        // end
        Assert.Equal(FeatureBank.Extract(model, set).Logits, scores);
    }

    [Fact]
    public void Take_a_gpu()
    {
        using var folder = new TemporaryFolder();
        var modelPath = folder["model.safetensors"];
        using (var trained = SmallImages.Model())
            ModelFile.Save(trained, modelPath);

        // snippet: gpu
        var device = Device.Auto;                                         // or Device.Cuda(0), which never falls back
        using var gpuModel = ModelFile.Load(modelPath, device);
        // end
        Assert.Same(device, gpuModel.Device);
    }
}
