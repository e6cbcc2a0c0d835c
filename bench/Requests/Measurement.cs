using EscNative.Bench.Cli;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Reports;

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
    /// <param name="options">How to measure, or null for the standard set.</param>
    public static Evaluation Of(
        string name, Classifier model, ForgetSplit split, ProgressLine progress, CancellationToken cancel, EvaluationOptions? options = null) =>
        EvaluationSuite.Measure(
            model, split, options, new SynchronousProgress<EvaluationProgress>(p => progress.Report("evaluate", p.Share, $"{name}: {p.Stage}")), cancel);

    /// <summary>What the options <c>--relearn</c> and <c>--mlp-probe</c> ask for.</summary>
    public static EvaluationOptions Options(CommandContext context) => EvaluationOptions.Default with
    {
        Relearning = context.Get(context.Options.Relearn) ? RelearningOptions.Default : null,
        MlpProbe = context.Get(context.Options.MlpProbe) ? MlpProbeOptions.Default : null,
    };

    /// <summary>Every metric of the model in a file, or null where there is no file.</summary>
    /// <exception cref="EscException">The file is no model for these images.</exception>
    public static Evaluation? OfFile(
        string name, string? file, DataTrust trust, ForgetSplit split, Device device, ProgressLine progress, CancellationToken cancel, EvaluationOptions? options = null)
    {
        if (file is null)
            return null;
        using var model = trust.Reading.Load(file, device);
        trust.Check(model, file, split.Data);
        return Of(name, model, split, progress, cancel, options);
    }

    /// <summary>Checks that the model in a file can be measured on some images; nothing where there is no file.</summary>
    /// <returns>What a reader of the results must know.</returns>
    /// <exception cref="EscException">It cannot.</exception>
    public static IReadOnlyList<string> Examine(string? file, DataTrust trust, DataSet data, Device device, bool isRetrain)
    {
        if (file is null)
            return [];
        var remarks = new List<string>();
        using var model = trust.Reading.Load(file, device, remarks);
        return [.. remarks, .. ForgottenNotes.Reference(model, Setup.NameOf(file), data, isRetrain), .. trust.Examine(model, file, data)];
    }
}
