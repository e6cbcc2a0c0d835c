// Trains a small classifier on the images inside the library, erases a class, and shows what is left of it and what is not.
using System.Globalization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Reports;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int forgotten = 9;
var data = EmbeddedData.Open();
using var model = Architectures.Create(new ModelDescription
{
    Hyperparameters = new AllCnnHyperparameters(Width: 0.125),
    Channels = data.Train.Channels,
    ClassNames = data.ClassNames,
    Normalisation = data.Normalisation,
});
new Trainer(model, data, new TrainOptions { Epochs = 6, BatchSize = 50, LearningRate = 0.05 }).Run();

// The request, and the images that it divides: ESC sees those to forget and no others.
var split = ForgetSplit.Create(data, ForgetRequest.ForClasses(forgotten));
var before = EvaluationSuite.Measure(model, split);
var esc = new Esc();
var result = esc.Run(UnlearningContext.For(esc, model, split, new UnlearningOptions { Directions = 1 }));
Console.WriteLine($"erased '{data.ClassNames[forgotten]}' in {1000 * result.Seconds:0} ms: {result.Subspace!.K} of {result.Subspace.Dimension} directions");

// The erasure is part of the model's file: whoever loads it gets the erased model.
var file = Path.Combine(Path.GetTempPath(), $"erased-{Environment.ProcessId}.safetensors");
try
{
    ModelFile.Save(model, file);
    using var erased = ModelFile.Load(file);
    Console.WriteLine($"the file was made to forget {erased.Forgotten[0]}");

    // The proof, which also says where it ends: "accuracy" is what the model shows, "KR-strong" what an attacker with its features finds.
    var report = MetricReport.Compare(before, EvaluationSuite.Measure(erased, split));
    foreach (var (metric, name) in (ReadOnlySpan<(string, string)>)[("accuracy", "D_f"), ("accuracy", "D_rt"), ("KR-strong", "D_ft")])
    {
        var row = report.Find(metric, name)!;
        Console.WriteLine($"{metric} {name}: {row.Original:0.0} % before, {row.Value:0.0} % after");
    }
}
finally
{
    File.Delete(file);
}
