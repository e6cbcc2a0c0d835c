// Adds an architecture of one's own (SmallCnn.cs): everything in the library then trains it, erases from it, and reads and writes its files.
using System.Globalization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Architectures.Register(new SmallCnnArchitecture());

var data = EmbeddedData.Open();
using var model = Architectures.Create(new ModelDescription
{
    Hyperparameters = new SmallCnnHyperparameters(Filters: 24),
    Channels = data.Train.Channels,
    ClassNames = data.ClassNames,
    Normalisation = data.Normalisation,
});
var history = new Trainer(model, data, new TrainOptions { Epochs = 8, BatchSize = 50, LearningRate = 0.1 }).Run();
Console.WriteLine($"{model.Description.Architecture} with {model.Description.Hyperparameters}: {history[^1].TestAccuracy:0.0} % of the test images");

var split = ForgetSplit.Create(data, ForgetRequest.ForClasses(9));
new Esc().Run(new UnlearningContext(model, split.Forget, new UnlearningOptions { Directions = 1 }));

var file = Path.Combine(Path.GetTempPath(), $"small-cnn-{Environment.ProcessId}.safetensors");
try
{
    ModelFile.Save(model, file);
    using var loaded = ModelFile.Load(file);
    Console.WriteLine($"loaded: {loaded.Description.Architecture} with {loaded.Description.Hyperparameters}, {loaded.Erasure!.Factors.Count} erasure");

    // Compiled for inference like any other network.
    using var extractor = CompiledExtractor.Compile(loaded, 32, 32);
    Console.WriteLine($"plan: {string.Join(", ", extractor.Plan.Steps.Select(step => step.Kind))}");
}
finally
{
    File.Delete(file);
}
