using EscNative.Bench.Cli;
using EscNative.Bench.Experiments;
using EscNative.Bench.Headlines;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Bench.Verbs;

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

    /// <summary>What the options ask for.</summary>
    /// <exception cref="UsageException">A name is unknown, or options exclude each other.</exception>
    public static ComparisonQuestion Ask(CommandContext context)
    {
        var options = context.Options;
        var methods = Methods(context.Get(options.Method));
        var settings = OptionChecks.Settings(context, methods);
        OptionChecks.Solver(context);
        if ((context.Has(options.P) || context.Has(options.K)) && !methods.Any(m => m.Name == "esc"))
            throw new UsageException("--p and --k are for esc, which is not among the methods");
        if (context.Get(options.Retrain) is not null && methods.Any(m => m.Name == Experiment.Retrain))
            throw new UsageException("--retrain FILE is the reference in place of the method retrain: give one of them");
        OptionChecks.Forget(context, needed: false);
        var (classes, indices, subjects) = (context.Get(options.ForgetClass), context.Get(options.ForgetIndices), context.Get(options.ForgetSubject));
        var scenario = context.Get(options.Scenario) is { } name ? OptionChecks.Scenario(name) : null;
        if (scenario is not null && (classes ?? indices ?? subjects) is not null)
            throw new UsageException("--scenario chooses what is to be forgotten: give it without --forget-class, --forget-subject and --forget-indices");
        if (context.Get(options.Shadows) is > 0 and var shadows)
            _ = ShadowAttack.Options(shadows);
        OptionChecks.Folder(context, options.State);
        var question = new ComparisonQuestion(
            methods, settings, JobOptions.Unlearning(context), scenario,
            (indices ?? subjects) is not null ? [(null, indices, subjects)] : [.. classes?.Split('/').Select(part => ((string?)part, (string?)null, (string?)null)) ?? []]);
        CheckOptions(question, new Dictionary<string, double>());
        return question;
    }

    /// <summary>Runs it.</summary>
    /// <param name="context">The options.</param>
    /// <param name="question">What they ask for.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="document">What is known of the run.</param>
    /// <param name="model">The model before the requests.</param>
    /// <param name="scratch">A folder for files that this run makes.</param>
    public static ResultDocument Run(CommandContext context, ComparisonQuestion question, Device device, ResultDocument document, ModelChoice model, string scratch)
    {
        var options = context.Options;
        var recipe = MethodSettings.RecipeOf(model.File);
        CheckOptions(question, recipe);
        var trust = DataTrust.Of(context);

        var reading = new List<string>();
        using var original = trust.Reading.Load(model.File, device, reading);
        if (question.OptionsOfEsc is { } esc)
            _ = Esc.DirectionsOf(original.FeatureWidth, esc);
        var data = Inputs.Open(context.Get(options.Data), original.Description, context.Get(options.Identities), PhotoChoice.Of(context));
        trust.Check(original, model.File, data);
        var scenario = ScenarioOf(question, data);
        foreach (var trial in scenario.Trials(data, context.Get(options.Trials), (ulong)context.Get(options.Seed)))
            _ = ForgetSplit.Create(data, trial.Joint);
        UnlearningOptions OptionsOf(IUnlearningMethod method) => question.Options(method, recipe);
        var attack = context.Get(options.Shadows) is > 0 and var shadows
            ? new ShadowAttack(original.Description, recipe, data, device, shadows, context.Get(options.State), (ulong)context.Get(options.Seed))
            : null;
        string[] remarks =
        [
            .. attack?.WhyNotApplicable(question.Methods, OptionsOf) ?? [],
            .. reading, .. model.Examine(original, trust, data), .. Measurement.Examine(context.Get(options.Retrain), trust, data, device, isRetrain: true), .. ForgottenNotes.Before(original),
            .. question.OptionsOfEsc is { Directions: 0 } or { Percent: 0 } ? (string[])["esc: nothing is erased (k = 0)."] : [],
        ];

        var runner = new ScenarioRunner(original, ModelCache.HashOf(model.File), data, new ScenarioRunnerOptions
        {
            StateFolder = context.Get(options.State),
            Evaluation = Measurement.Options(context),
        });
        using var progress = new ProgressLine(context.Terminal);
        var costs = new List<string>();
        var result = new Experiment(scenario, runner, OptionsOf, Reference).Run(
            question.Methods, data, context.Get(options.Trials), context.Get(options.Seed), progress, context.Cancel);
        if (attack is not null)
            result = attack.AddTo(result, question.Methods, OptionsOf, progress, context.Cancel);

        document = document with
        {
            Data = Results.Of(data, context.Get(options.Data)),
            Model = Results.Of(original, model.Source, ModelCache.HashOf(model.File)),
            Training = model.Training,
            Experiment = result,
            Paper = PaperClaims.Table1Methods,
            Notes =
            [
                .. result.Methods.Any(m => m.Method == Experiment.Retrain) ? (string[])[] : ["No Retrain reference was measured (add retrain to --method, or give --retrain FILE): the metrics are judged without it."],
                .. costs.Distinct(),
                .. remarks,
                ReportNotes.Seam,
            ],
        };
        return document with { Headline = Headline.OfSeveral(document) };

        // A file is the reference of the request that it was trained for: the first trial's. The embedded set's are made for every one.
        Evaluation? Reference(ScenarioTrial trial)
        {
            var split = ForgetSplit.Create(data, trial.Joint);
            var file = trial.Index > 0 ? null : RetrainFile(trial);
            if (file is null && model.IsSmall && context.Get(options.Retrain) is null)
            {
                var made = SmallModel.GetRetrain(new ModelCache(context.Get(options.Cache)), scratch, context.Get(options.Seed), split, device, context, progress);
                costs.Add(Rivals.Cost(made));
                file = made.File;
            }

            return Measurement.OfFile("retrain", file, trust, split, device, progress, context.Cancel, Measurement.Options(context));
        }

        string? RetrainFile(ScenarioTrial trial) => context.Get(options.Retrain)
            ?? (trial.Joint.IsByClass && trial.Joint.Classes is [PretrainedModels.RetrainedWithout] ? model.Retrain : null);
    }

    // All of them stand as in the paper's tables; named ones in the order in which they were named.
    private static IUnlearningMethod[] Methods(string names) => OptionChecks.Methods(names == All
        ? [.. MethodRegistry.Names.OrderBy(name => Array.IndexOf(PaperOrder, name) is var at and >= 0 ? at : PaperOrder.Length)]
        : names.Split(',', StringSplitOptions.TrimEntries));

    private static void CheckOptions(ComparisonQuestion question, IReadOnlyDictionary<string, double> recipe)
    {
        foreach (var method in question.Methods)
            method.CheckOptions(question.Options(method, recipe));
    }

    private static Scenario ScenarioOf(ComparisonQuestion question, DataSet data) => question switch
    {
        { Scenario: { } named } => named,
        { Requests.Count: 0 } => Scenario.ClassWise,
        _ => Scenario.Given([.. question.Requests.Select(request => Inputs.Request(request.Classes, request.Indices, data, request.Subjects))]),
    };
}
