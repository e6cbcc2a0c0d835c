using EscNative.Bench.Output;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Metrics;

namespace EscNative.Bench.Requests;

/// <summary>Measures models while a progress line tells how far it is.</summary>
internal static class Measurement
{
    /// <summary>Every metric of one model.</summary>
    /// <param name="name">What the model is called in progress lines.</param>
    /// <param name="model">The model.</param>
    /// <param name="split">The images, cut along the request.</param>
    /// <param name="progress">Where to tell how far it is.</param>
    /// <param name="cancel">Stops it.</param>
    public static Evaluation Of(string name, Classifier model, ForgetSplit split, ProgressLine progress, CancellationToken cancel) =>
        EvaluationSuite.Measure(
            model, split, progress: new Relay<EvaluationProgress>(p => progress.Report("evaluate", p.Share, $"{name}: {p.Stage}")), cancel: cancel);

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
}
