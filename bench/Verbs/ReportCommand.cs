using EscNative.Bench.Claims;
using EscNative.Bench.Cli;
using EscNative.Bench.Headlines;
using EscNative.Bench.Measuring;
using EscNative.Bench.Peers;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Kernels.Cpu;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Bench.Verbs;

/// <summary><c>report</c>, the main job: erases, times every stage, measures what is left, and stands it beside the paper.</summary>
internal static class ReportCommand
{
    public static Verb Verb(OptionSet options) => new(
        "report",
        "The main job: erases, profiles the latency of every stage, measures what is left, and stands it beside the paper's figures. With several methods: compares them.",
        [
            options.Data, options.AllowOtherData, options.Identities, options.Resize, options.OnBadImage, options.ImageMemory, options.ModelFile, options.Mean, options.Std, options.ClassNames, options.ImageSize, options.Retrain, options.ForgetClass, options.ForgetSubject, options.ForgetIndices, options.Method, options.Scenario, options.Trials, options.Set, options.State, options.Relearn, options.MlpProbe, options.Shadows,
            options.P, options.K, options.Solver, options.Mode, options.Runs, options.Seed, options.Device, options.Threads, options.Precision, options.Cache, options.Json, options.Html, options.Export, options.Force,
            options.Details, options.Config, options.Quiet,
        ],
        [
            "escnative",
            "escnative report --data ./cifar-10-batches-bin",
            "escnative report --data ./cifar-10-batches-bin --model-file allcnn.safetensors --forget-class 4",
            "escnative report --k 2 --solver svd --json result.json",
            "escnative report --method all",
            "escnative report --method esc,esc-t,scrub --scenario samples --trials 3",
            "escnative report --method esc --forget-class 4/7/2 --data ./cifar-10-batches-bin",
        ],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        // Everything that can be told from the options alone comes first: what follows may train for a minute.
        var question = MethodComparison.IsWanted(context) ? MethodComparison.Ask(context) : null;
        var job = question is null ? OneMethodJob(context) : null;
        OptionChecks.Folder(context, options.Cache);
        OptionChecks.Inputs(context);
        var defaults = DefaultOutputs(context);
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html), defaults.Json, defaults.Html);
        // Metrics of a comparison mean something on an emulated device too; its times are not shown.
        var (device, setup) = question is null ? Setup.TakeToMeasure(context) : Setup.Take(context);
        OptionChecks.Solver(context, device);
        if (context.Get(options.ModelFile) is null && context.Get(options.Data) == EmbeddedData.Name)
            CheckForEmbedded(context, job, question);
        var document = Setup.Document(context, setup);
        using var scratch = new ScratchFolder();
        var model = ModelChoice.Of(context, scratch.Path, device);
        document = job is null
            ? MethodComparison.Run(context, question!, device, document, model, scratch.Path)
            : OneMethod(context, job with { ModelFile = model.File, Device = device }, document, model, scratch.Path);
        if (context.Get(options.ModelFile) is null && context.Get(options.Data) == EmbeddedData.Name)
            document = document with { Notes = [ReportNotes.Small, .. document.Notes] };
        document = document with { TimeClaims = TimeClaims.Of(document) };
        WriteDefaults(context, Setup.Publish(context, document), defaults);
        return ExitCode.Ok;
    }

    private static ErasureJob OneMethodJob(CommandContext context)
    {
        var options = context.Options;
        foreach (var option in new System.CommandLine.Option[] { options.Set, options.State, options.Relearn, options.MlpProbe, options.Shadows })
        {
            if (context.Has(option))
                throw new UsageException($"{option.Name} is for comparisons of methods: give --method all, or the names of several");
        }

        return JobOptions.Job(context, "", ModelChoice.DefaultForgetClass);
    }

    // Of the embedded images and the small model all of this is known: nothing is opened, which would warm up the cold request.
    private static void CheckForEmbedded(CommandContext context, ErasureJob? job, ComparisonQuestion? question)
    {
        var (names, images) = (EmbeddedData.ClassNames, EmbeddedData.TrainImages);
        if (context.Get(context.Options.Identities) is > 0 and var people && people != names.Count)
            throw new UsageException("--identities: the embedded images are no faces, and they are taken with all their classes; leave it out");
        ForgetRequest[] requests = [.. (question?.Requests ?? [(job!.ForgetClasses, job.ForgetIndices, job.ForgetSubjects)]).Select(r => r.Subjects is null ? Inputs.Request(r.Classes, r.Indices, names, images) : throw new UsageException("--forget-subject: the embedded images do not say whom they show: give photos with a table path,label,subject (--data TABLE.csv)"))];
        if (requests.Length > 0 && ForgetRequest.Union(requests) is var all && (all.Classes.Length == names.Count || all.Indices.Length == images))
            throw new UsageException($"{all}: that is everything; nothing would remain");
        if ((question?.OptionsOfEsc ?? job?.Options) is { } esc)
            _ = Esc.DirectionsOf(SmallModel.Features, esc);
    }

    private static ResultDocument OneMethod(CommandContext context, ErasureJob job, ResultDocument document, ModelChoice model, string scratch)
    {
        using var progress = new ProgressLine(context.Terminal);
        IReadOnlyList<string> remarks = [];
        // The cold request is the process's first look at model and data, and fails where they do not fit; what takes longer to tell follows it.
        var latency = Latency(context, job, scratch, progress, () => remarks = Examine(context, job, model));
        var relations = new List<RelationResult>();
        document = Measure(context, document, job, model, scratch, latency, relations, progress) with { Latency = latency, Training = model.Training };
        if (job.Options is { Directions: 0 } or { Percent: 0 })
            remarks = ["Nothing is erased (k = 0): what is timed and measured is a request that does nothing.", .. remarks];
        if (model.Training is not null)
            remarks = [.. remarks, "The model was trained by this run, so the cold request found the code of the forward pass compiled already."];
        return document with
        {
            Headline = Headline.OfOne(document, Results.NameOf(job.Options.Mode), relations),
            Notes = [.. document.Notes, .. remarks],
        };
    }

    private static string[] Examine(CommandContext context, ErasureJob job, ModelChoice choice)
    {
        var reading = new List<string>();
        using var model = job.LoadModel(reading);
        var data = job.ReadData(model).Data;
        return
        [
            .. reading,
            .. choice.Examine(model, job.Trust, data),
            .. Measurement.Examine(context.Get(context.Options.Retrain), job.Trust, data, job.Device, isRetrain: true).Concat(ForgottenNotes.Before(model)),
        ];
    }

    private static LatencyResult Latency(CommandContext context, ErasureJob job, string scratch, ProgressLine progress, Action afterCold)
    {
        var request = new TimedErasure(job, Path.Combine(scratch, "erased.safetensors"));
        using var watch = new LoadWatch([], 1);
        RequestTiming timing;
        using (watch.Over(0, null))
        {
            timing = new RequestTimer(job.Device).Measure(
                request, context.Get(context.Options.Runs), (step, share) => progress.Report("time", share, step), afterCold, context.Cancel);
        }

        var peaks = Peaks.Measure(CpuParallel.Threads);
        return LatencyResult.From(timing, peaks.F32, peaks.F64) with { OthersShare = double.IsFinite(watch.OthersShare) ? watch.OthersShare : null };
    }

    // Both modes on the same request, each from a fresh copy of the model: the official one changes batch norm.
    private static ResultDocument Measure(
        CommandContext context, ResultDocument document, ErasureJob job, ModelChoice choice, string scratch, LatencyResult latency,
        List<RelationResult> relations, ProgressLine progress)
    {
        using var original = job.LoadModel();
        var split = job.ReadData(original);
        var retrainFile = context.Get(context.Options.Retrain) ?? choice.Retrain;
        var made = retrainFile is null && choice.IsSmall
            ? SmallModel.GetRetrain(new ModelCache(context.Get(context.Options.Cache)), scratch, context.Get(context.Options.Seed), split, job.Device, context, progress)
            : null;
        relations.Add(Rivals.Retraining(made, job, latency));
        relations.AddRange(Rivals.Lau(job, original, split, latency, progress, context.Cancel));
        var before = Measurement.Of("original", original, split, progress, context.Cancel);
        var retrain = Measurement.OfFile("retrain", retrainFile ?? made?.File, job.Trust, split, job.Device, progress, context.Cancel);
        var erasures = new List<ErasureResult>();
        var evaluations = new List<(string, Evaluation)>();
        RequestResult? request = null;
        foreach (var mode in new[] { UnlearningMode.Paper, UnlearningMode.Official })
        {
            using var model = job.LoadModel();
            var own = job with { Options = job.Options with { Mode = mode } };
            var result = own.Erase(
                model, split, null, new SynchronousProgress<StageProgress>(p => progress.Report("erase", (double)p.Done / Math.Max(p.Total, 1), Results.NameOf(mode))), context.Cancel);
            erasures.Add(Results.Of(mode, result) with { ForwardedImages = model.ForwardedImages });
            evaluations.Add((Results.NameOf(mode), Measurement.Of(Results.NameOf(mode), model, split, progress, context.Cancel)));
            if (mode == job.Options.Mode)
                request = Results.Of(job, split, result);
        }

        return document with
        {
            Data = Results.Of(split.Data, job.DataPath),
            Model = Results.Of(original, choice.Source, ModelCache.HashOf(job.ModelFile)),
            Request = request,
            Erasures = erasures,
            Metrics = Results.Of(before, retrain, evaluations),
            Paper = PaperClaims.Table1,
            Notes =
            [
                .. retrain is null ? (string[])["No Retrain reference was given (--retrain FILE): the metrics are judged without it."] : [],
                .. made is null ? [] : (string[])[Rivals.Cost(made)],
                $"The latency is that of {Results.NameOf(job.Options.Mode)} mode.",
                ReportNotes.Seam,
            ],
        };
    }

    // What the user gave no other name for.
    private static (string? Json, string? Html) DefaultOutputs(CommandContext context)
    {
        var options = context.Options;
        var json = context.Get(options.Json) is null ? Path.Combine(Outputs.OwnFolder, "report.json") : null;
        var html = context.Get(options.Html) is null ? Path.Combine(Outputs.OwnFolder, "report.html") : null;
        return (json, html);
    }

    private static void WriteDefaults(CommandContext context, ResultDocument document, (string? Json, string? Html) outputs)
    {
        if (outputs.Json is { } json)
            ResultJson.Write(document, json, Outputs.Prepare(context, json));
        if (outputs.Html is { } html)
            HtmlReport.Write(document, html, Outputs.Prepare(context, html));
        var written = new[] { outputs.Json, outputs.Html }.OfType<string>().ToArray();
        if (written.Length > 0)
            context.Terminal.Note($"written: {string.Join(", ", written)}");
    }
}
