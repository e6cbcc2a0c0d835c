using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Bench.Verbs;

/// <summary><c>unlearn</c>: a model file in, an erased model file out.</summary>
internal static class UnlearnCommand
{
    public static Verb Verb(OptionSet options) => new(
        "unlearn",
        "Erases classes or single images from a model and writes the erased model.",
        [
            options.ModelFile, options.Mean, options.Std, options.ClassNames, options.ImageSize, options.Output, options.Data, options.AllowOtherData, options.Identities, options.Resize, options.OnBadImage, options.ImageMemory, options.ForgetClass, options.ForgetSubject, options.ForgetIndices, options.Method, options.Set, options.P, options.K, options.Solver,
            options.Mode, options.Checkpoint, options.Resume, options.Seed, options.Device, options.Threads, options.Precision, options.Json, options.Html, options.Export, options.Force, options.Config, options.Quiet,
        ],
        [
            "escnative unlearn --model-file model.safetensors --forget-class 4 --output erased.safetensors",
            "escnative unlearn --model-file m.safetensors --data ./cifar10 --forget-class deer,cat --output e.safetensors",
            "escnative unlearn --model-file m.safetensors --forget-class 4 --method scrub --set epochs=5 --output s.st",
        ],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        var modelFile = context.Require(options.ModelFile);
        var output = context.Require(options.Output);
        if (Path.GetFullPath(output) == Path.GetFullPath(modelFile))
            throw new UsageException($"unlearn: --output is the model file itself ({modelFile}); give it another name, the input is never replaced");
        var checkpoint = context.Get(options.Checkpoint);
        var job = JobOptions.Job(context, modelFile, null);
        if (checkpoint is not null && !MethodRegistry.Create(job.Method).KeepsCheckpoint)
            throw new UsageException($"--checkpoint: {job.Method} is short and keeps none: leave it out");
        var resume = OptionChecks.Resumed(context) is not null;
        OptionChecks.Inputs(context);
        Setup.CheckOutputs(context, output, context.Get(options.Json), context.Get(options.Html));
        var (device, setup) = Setup.Take(context);
        OptionChecks.Solver(context, device);
        var document = Setup.Document(context, setup);
        job = job with { Device = device };

        var reading = new List<string>();
        using var model = job.LoadModel(reading);
        var split = job.ReadData(model);
        if (job.Method == "esc")
            _ = Esc.DirectionsOf(model.FeatureWidth, job.Options);
        string[] remarks = [.. reading, .. job.Trust.Examine(model, modelFile, split.Data), .. ForgottenNotes.Before(model)];
        using var progress = new ProgressLine(context.Terminal);
        var result = job.Erase(
            model, split, null, new SynchronousProgress<StageProgress>(p => progress.Report(p.Stage, (double)p.Done / Math.Max(p.Total, 1))), context.Cancel,
            checkpoint, resume);
        progress.Dispose();
        // A model that is not what was asked for must not lie where one is expected.
        var sound = result.Outcome == UnlearningOutcome.Completed;
        var hash = sound ? Outputs.Write(context, output, stream => ModelFile.Write(model, stream)) : null;
        Setup.Publish(context, document with
        {
            Data = Results.Of(split.Data, job.DataPath),
            Model = Results.Of(model, Setup.NameOf(modelFile), ModelCache.HashOf(modelFile)),
            Request = Results.Of(job, split, result),
            Erasures = result.Subspace is null ? null : [Results.Of(job.Options.Mode, result)],
            Unlearning = Results.Of(result),
            Notes =
            [
                sound ? $"Written to {Setup.NameOf(output)}, SHA-256 {hash}." : $"{result.Method} diverged: {Setup.NameOf(output)} was not written. Try a smaller learning rate (--set learning-rate=X).",
                .. result.Subspace is { K: 0, RequestedK: 0 } ? (string[])["Nothing was erased (k = 0): the file holds the model as it was given."] : [],
                .. remarks,
                .. model.Erasure is null ? (string[])[] : [ReportNotes.Seam],
            ],
        });
        return sound ? ExitCode.Ok : ExitCode.Inconclusive;
    }
}
