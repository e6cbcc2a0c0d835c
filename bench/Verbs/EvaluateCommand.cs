using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models.Data;

namespace EscNative.Bench.Verbs;

/// <summary><c>evaluate</c>: what a model still knows of what was to be forgotten.</summary>
internal static class EvaluateCommand
{
    public static Verb Verb(OptionSet options) => new(
        "evaluate",
        "Measures what a model still knows of what was to be forgotten.",
        [
            options.ModelFile, options.Mean, options.Std, options.ClassNames, options.ImageSize, options.Original, options.Retrain, options.Data, options.AllowOtherData, options.Identities, options.Resize, options.OnBadImage, options.ImageMemory, options.ForgetClass, options.ForgetSubject, options.ForgetIndices, options.Relearn, options.MlpProbe, options.Seed, options.Device, options.Threads,
            options.Precision, options.Json, options.Html, options.Export, options.Force, options.Details, options.Config, options.Quiet,
        ],
        [
            "escnative evaluate --model-file erased.safetensors --original model.safetensors --forget-class 4",
            "escnative evaluate --model-file resnet20.th --data ./cifar-10-batches-bin --forget-class 4",
        ],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        var modelFile = context.Require(options.ModelFile);
        OptionChecks.Forget(context, needed: true);
        if (context.Get(options.Retrain) is not null && context.Get(options.Original) is null)
            throw new UsageException("evaluate: --retrain wants --original too: give the model before the erasure");
        OptionChecks.Inputs(context);
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html));
        var (device, setup) = Setup.Take(context);
        var document = Setup.Document(context, setup);

        var trust = DataTrust.Of(context);
        var reading = new List<string>();
        using var model = trust.Reading.Load(modelFile, device, reading);
        var data = Inputs.Open(context.Get(options.Data), model.Description, context.Get(options.Identities), PhotoChoice.Of(context));
        trust.Check(model, modelFile, data);
        var split = ForgetSplit.Create(data, Inputs.Request(context.Get(options.ForgetClass), context.Get(options.ForgetIndices), data, context.Get(options.ForgetSubject)));
        // Every file is known to be good before the first is measured.
        string[] remarks =
        [
            .. reading, .. trust.Examine(model, modelFile, data), .. Measurement.Examine(context.Get(options.Original), trust, data, device, isRetrain: false),
            .. Measurement.Examine(context.Get(options.Retrain), trust, data, device, isRetrain: true),
        ];
        using var progress = new ProgressLine(context.Terminal);
        var metrics = Measurement.Options(context);
        var original = Measurement.OfFile("original", context.Get(options.Original), trust, split, device, progress, context.Cancel, metrics);
        var retrain = Measurement.OfFile("retrain", context.Get(options.Retrain), trust, split, device, progress, context.Cancel, metrics);
        var erased = Measurement.Of("model", model, split, progress, context.Cancel, metrics);
        progress.Dispose();
        List<string> notes = [ForgottenNotes.Measured(model, split), .. remarks.Distinct()];
        if (ChanceNote.Of(erased, model, Setup.NameOf(modelFile)) is { } chance)
            notes.Insert(0, chance);
        if (model.Erasure is not null)
            notes.Add(ReportNotes.Seam);
        if (original is null)
            notes.Add("Give --original FILE to see the model before the erasure beside it.");
        Setup.Publish(context, document with
        {
            Data = Results.Of(data, context.Get(options.Data)),
            Model = Results.Of(model, Setup.NameOf(modelFile), ModelCache.HashOf(modelFile)),
            Request = Results.Of(split),
            Metrics = original is null ? Results.Of(erased) : Results.Of(original, retrain, ("model", erased)),
            Notes = notes,
        });
        return ExitCode.Ok;
    }
}
