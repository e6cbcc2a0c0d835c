using EscNative.Bench.Output;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Bench.Timing;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Metrics;

namespace EscNative.Bench.Commands;

/// <summary><c>report</c>, the main job: erases, times every stage, measures what is left, and stands it beside the paper.</summary>
internal static class ReportCommand
{
    private const string Folder = Outputs.OwnFolder;

    public static Verb Verb(OptionSet options) => new(
        "report",
        "The main job: erases, profiles the latency of every stage, measures what is left, and stands it beside the paper's figures. With several methods: compares them.",
        [
            options.Data, options.Identities, options.ModelFile, options.Retrain, options.ForgetClass, options.ForgetIndices, options.Method, options.Scenario, options.Trials, options.Set, options.State, options.Relearn, options.MlpProbe, options.Shadows,
            options.P, options.K, options.Solver, options.Mode, options.Runs, options.Seed, options.Device, options.Threads, options.Precision, options.Cache, options.Json, options.Html, options.Force,
            options.Config, options.Quiet,
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
        var defaults = DefaultOutputs(context);
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html), defaults.Json, defaults.Html);
        // Metrics of a comparison mean something on an emulated device too; its times are not shown.
        var (device, setup) = MethodComparison.IsWanted(context) ? Setup.Take(context) : Setup.TakeToMeasure(context);
        var document = Setup.Document(context, setup);
        var retrainFile = context.Get(options.Retrain);
        using var scratch = new ScratchFolder();
        var model = ModelChoice.Of(context, scratch.Path, device);
        document = MethodComparison.IsWanted(context)
            ? MethodComparison.Run(context, device, document, model)
            : OneMethod(context, device, document, model, scratch.Path);
        if (context.Get(options.ModelFile) is null && context.Get(options.Data) == EmbeddedData.Name)
            document = document with { Notes = [ReportNotes.Small, .. document.Notes] };
        Setup.Publish(context, document);
        WriteDefaults(context, document, defaults);
        return ExitCode.Ok;
    }

    private static ResultDocument OneMethod(CommandContext context, Device device, ResultDocument document, ModelChoice model, string scratch)
    {
        var options = context.Options;
        foreach (var option in new System.CommandLine.Option[] { options.Set, options.State, options.Relearn, options.MlpProbe, options.Shadows })
        {
            if (context.Has(option))
                throw new UsageException($"{option.Name} is for comparisons of methods: give --method all, or the names of several");
        }

        var job = JobOptions.Job(context, model.File, ModelChoice.DefaultForgetClass, device);
        using var progress = new ProgressLine(context.Terminal);
        var latency = Latency(context, job, scratch, progress);
        document = Measure(context, document, job, model.Source, context.Get(options.Retrain) ?? model.Retrain, progress) with { Latency = latency, Training = model.Training };
        return model.Training is null ? document : document with
        {
            Notes = [.. document.Notes, "The model was trained by this run, so the cold request found the code of the forward pass compiled already."],
        };
    }

    private static LatencyResult Latency(CommandContext context, ErasureJob job, string scratch, ProgressLine progress)
    {
        var request = new TimedErasure(job, Path.Combine(scratch, "erased.safetensors"));
        var timing = new RequestTimer(job.Device).Measure(
            request, context.Get(context.Options.Runs), (step, share) => progress.Report("time", share, step), context.Cancel);
        var peaks = Peaks.Measure(CpuParallel.Threads);
        return LatencyResult.From(timing, peaks.F32, peaks.F64);
    }

    // Both modes on the same request, each from a fresh copy of the model: the official one changes batch norm.
    private static ResultDocument Measure(
        CommandContext context, ResultDocument document, ErasureJob job, string source, string? retrainFile, ProgressLine progress)
    {
        using var original = job.LoadModel();
        var split = job.ReadData(original);
        var before = Measurement.Of("original", original, split, progress, context.Cancel);
        var retrain = Measurement.OfFile("retrain", retrainFile, split, job.Device, progress, context.Cancel);
        var erasures = new List<ErasureResult>();
        var evaluations = new List<(string, Evaluation)>();
        RequestResult? request = null;
        foreach (var mode in new[] { UnlearningMode.Paper, UnlearningMode.Official })
        {
            using var model = job.LoadModel();
            var own = job with { Options = job.Options with { Mode = mode } };
            var result = own.Erase(
                model, split, null, new Relay<StageProgress>(p => progress.Report("erase", (double)p.Done / Math.Max(p.Total, 1), Results.NameOf(mode))), context.Cancel);
            erasures.Add(Results.Of(mode, result));
            evaluations.Add((Results.NameOf(mode), Measurement.Of(Results.NameOf(mode), model, split, progress, context.Cancel)));
            if (mode == job.Options.Mode)
                request = Results.Of(job, split, result);
        }

        return document with
        {
            Data = Results.Of(split.Data, job.DataPath),
            Model = Results.Of(original, source, ModelCache.HashOf(job.ModelFile)),
            Request = request,
            Erasures = erasures,
            Metrics = Results.Of(before, retrain, evaluations),
            Paper = PaperClaims.Table1,
            Notes =
            [
                .. retrain is null ? (string[])["No Retrain reference was given (--retrain FILE): the metrics are judged without it."] : [],
                $"The latency is that of {Results.NameOf(job.Options.Mode)} mode.",
                ReportNotes.Seam,
            ],
        };
    }

    // What the user gave no other name for.
    private static (string? Json, string? Html) DefaultOutputs(CommandContext context)
    {
        var options = context.Options;
        var json = context.Get(options.Json) is null ? Path.Combine(Folder, "report.json") : null;
        var html = context.Get(options.Html) is null ? Path.Combine(Folder, "report.html") : null;
        return (json, html);
    }

    private static void WriteDefaults(CommandContext context, ResultDocument document, (string? Json, string? Html) outputs)
    {
        if (outputs.Json is { } json)
            ResultJson.Write(document, json, Outputs.MayReplace(context, json));
        if (outputs.Html is { } html)
            HtmlReport.Write(document, html, Outputs.MayReplace(context, html));
        var written = new[] { outputs.Json, outputs.Html }.OfType<string>().ToArray();
        if (written.Length > 0)
            context.Terminal.Note($"written: {string.Join(", ", written)}");
    }
}
