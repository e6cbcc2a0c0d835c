using EscNative.Bench.Experiments;
using EscNative.Bench.Output;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Bench.Commands;

/// <summary><c>report --method all</c>: every method on the same requests, beside the model before them and beside Retrain.</summary>
internal static class MethodComparison
{
    private const string All = "all";

    // As the paper's tables have them; what is not there follows by name.
    private static readonly string[] PaperOrder =
        ["retrain", "finetune", "fisher", "scrub", "l1-sparse", "salun", "badt", "ng", "neggrad-plus", "rl", "bs", "lau", "esc", "esc-t"];

    /// <summary>Whether the options ask for it.</summary>
    public static bool IsWanted(CommandContext context)
    {
        var options = context.Options;
        return context.Get(options.Method) != "esc" || context.Get(options.Scenario) is not null || context.Get(options.Trials) > 1
            || context.Get(options.ForgetClass)?.Contains('/', StringComparison.Ordinal) == true;
    }

    /// <summary>Runs it.</summary>
    /// <param name="context">The options.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="document">What is known of the run.</param>
    /// <param name="model">The model before the requests.</param>
    public static ResultDocument Run(CommandContext context, Device device, ResultDocument document, ModelChoice model)
    {
        var options = context.Options;
        var methods = Methods(context.Get(options.Method));
        var settings = MethodSettings.Parse(context.Get(options.Set));
        settings.Check(methods);
        if ((context.Has(options.P) || context.Has(options.K)) && !methods.Any(m => m.Name == "esc"))
            throw new UsageException("--p and --k are for esc, which is not among the methods");
        var common = JobOptions.Unlearning(context);
        var recipe = MethodSettings.RecipeOf(model.File);

        using var original = ModelFile.Load(model.File, device);
        var data = Inputs.Open(context.Get(options.Data), original.Description.Channels, context.Get(options.Identities));
        Inputs.CheckClasses(original, model.File, data);
        var scenario = ScenarioOf(context, data);
        var runner = new ScenarioRunner(original, ModelCache.HashOf(model.File), data, new ScenarioRunnerOptions
        {
            StateFolder = context.Get(options.State),
            Evaluation = Measurement.Options(context),
        });
        using var progress = new ProgressLine(context.Terminal);
        var result = new Experiment(scenario, runner, method => settings.Options(method, common, recipe), Reference).Run(
            methods, data, context.Get(options.Trials), context.Get(options.Seed), progress, context.Cancel);
        if (context.Get(options.Shadows) is > 0 and var shadows)
        {
            var attack = new ShadowAttack(original.Description, recipe, data, device, shadows, context.Get(options.State), (ulong)context.Get(options.Seed));
            result = attack.AddTo(result, methods, method => settings.Options(method, common, recipe), progress, context.Cancel);
        }

        return document with
        {
            Data = Results.Of(data, context.Get(options.Data)),
            Model = Results.Of(original, model.Source, ModelCache.HashOf(model.File)),
            Training = model.Training,
            Experiment = result,
            Paper = PaperClaims.Table1Methods,
            Notes =
            [
                .. result.Methods.Any(m => m.Method == Experiment.Retrain) ? (string[])[] : ["No Retrain reference was measured (add retrain to --method, or give --retrain FILE): the metrics are judged without it."],
                ReportNotes.Seam,
            ],
        };

        // A file is the reference of the request that it was trained for: the first trial's.
        Evaluation? Reference(ScenarioTrial trial) => trial.Index > 0 || RetrainFile(trial) is not { } file
            ? null
            : Measurement.OfFile("retrain", file, ForgetSplit.Create(data, trial.Joint), device, progress, context.Cancel, Measurement.Options(context));

        string? RetrainFile(ScenarioTrial trial) => context.Get(options.Retrain)
            ?? (trial.Joint.IsByClass && trial.Joint.Classes is [PretrainedModels.RetrainedWithout] ? model.Retrain : null);
    }

    private static IUnlearningMethod[] Methods(string names)
    {
        var wanted = names == All ? MethodRegistry.Names : names.Split(',', StringSplitOptions.TrimEntries);
        if (wanted.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new UsageException($"--method: {twice.Key} is given twice");
        return [.. wanted.OrderBy(name => Array.IndexOf(PaperOrder, name) is var at and >= 0 ? at : PaperOrder.Length).Select(MethodRegistry.Create)];
    }

    private static Scenario ScenarioOf(CommandContext context, DataSet data)
    {
        var options = context.Options;
        var (classes, indices) = (context.Get(options.ForgetClass), context.Get(options.ForgetIndices));
        if (context.Get(options.Scenario) is { } name)
        {
            return classes is null && indices is null
                ? Scenario.Parse(name)
                : throw new UsageException("--scenario chooses what is to be forgotten: give it without --forget-class and --forget-indices");
        }

        if (classes is null && indices is null)
            return Scenario.ClassWise;
        return Scenario.Given(indices is not null
            ? [Inputs.Request(classes, indices, data)]
            : [.. classes!.Split('/').Select(part => Inputs.Request(part, null, data))]);
    }
}
