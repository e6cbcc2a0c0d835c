using EscNative.Bench.Output;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Metrics;

namespace EscNative.Bench.Requests;

/// <summary>Runs a model over all images and measures what is left of what was to be forgotten.</summary>
internal static class Measurement
{
    /// <summary>Every metric of one model.</summary>
    /// <param name="name">What the model is called in progress lines.</param>
    /// <param name="model">The model.</param>
    /// <param name="split">The images, cut along the request.</param>
    /// <param name="progress">Where to tell how far it is.</param>
    /// <param name="cancel">Stops it.</param>
    public static Evaluation Of(string name, Classifier model, ForgetSplit split, ProgressLine progress, CancellationToken cancel)
    {
        var (train, test) = (split.Data.Train, split.Data.Test);
        var forgotten = Ids(split.Forget);
        var forgottenTest = Ids(split.ForgetTest);
        var data = new EvaluationData(
            Features(train, id => forgotten.Contains(id), "training images"),
            Features(test, id => forgottenTest.Contains(id), "test images"));
        return EvaluationSuite.Measure(
            data, progress: new Relay<EvaluationProgress>(p => progress.Report("evaluate", p.Share, $"{name}: {p.Stage}")), cancel: cancel);

        FeatureSplit Features(ImageSet images, Func<int, bool> isForgotten, string what)
        {
            var bank = FeatureBank.Extract(
                model, images, progress: new Relay<int>(done => progress.Report("features", (double)done / images.Count, $"{name}: {what}")), cancel: cancel);
            var marks = Enumerable.Range(0, images.Count).Select(i => isForgotten(images.Id(i))).ToArray();
            return new FeatureSplit(bank.Features, bank.Width, bank.Labels, bank.Classes, marks, bank.Logits);
        }
    }

    /// <summary>Every metric of the model in a file, or null where there is no file.</summary>
    /// <exception cref="EscException">The file is no model for these images.</exception>
    public static Evaluation? OfFile(
        string name, string? file, ForgetSplit split, Device device, ProgressLine progress, CancellationToken cancel)
    {
        if (file is null)
            return null;
        using var model = ModelFile.Load(file, device);
        Inputs.CheckClasses(model, file, split.Data);
        return Of(name, model, split, progress, cancel);
    }

    private static HashSet<int> Ids(ImageSet images) => [.. Enumerable.Range(0, images.Count).Select(images.Id)];
}
