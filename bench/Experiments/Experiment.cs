using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Bench.Experiments;

/// <summary>Runs methods on the trials of a scenario and stands their results beside each other.</summary>
/// <param name="scenario">What is asked for.</param>
/// <param name="runner">Answers requests.</param>
/// <param name="optionsOf">The options of each method.</param>
/// <param name="retrain">A Retrain reference that was made before, for a trial's request; or null.</param>
internal sealed class Experiment(
    Scenario scenario, ScenarioRunner runner, Func<IUnlearningMethod, UnlearningOptions> optionsOf, Func<ScenarioTrial, Evaluation?> retrain)
{
    public const string Original = "original";
    public const string Retrain = "retrain";

    private readonly List<MetricDefinition> _definitions = [];

    /// <summary>Runs it.</summary>
    /// <param name="methods">The methods; a <c>retrain</c> among them is run first and is the reference of the others; the results stand in this order.</param>
    /// <param name="data">The images.</param>
    /// <param name="trials">How many trials.</param>
    /// <param name="seed">The first one's seed.</param>
    /// <param name="progress">Where to tell how far it is.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="UsageException">No method applies to the scenario.</exception>
    public ExperimentResult Run(
        IReadOnlyList<IUnlearningMethod> methods, DataSet data, int trials, int seed, ProgressLine progress, CancellationToken cancel)
    {
        var ordered = methods.OrderBy(m => m.Name == Retrain ? 0 : 1).ToArray();
        var results = ordered.ToDictionary(m => m.Name, _ => new List<(MethodRun Run, MetricReport? Report)>());
        var (originals, references) = (new List<MetricReport>(), new List<MetricReport>());
        var all = scenario.Trials(data, trials, (ulong)seed);
        foreach (var trial in all)
        {
            var relay = new SynchronousProgress<ScenarioProgress>(p => progress.Report($"trial {trial.Index + 1} of {trials}", p.Share, p.Stage));
            var before = runner.Original(trial, relay, cancel);
            var reference = ordered.Any(m => m.Name == Retrain) ? null : retrain(trial);
            foreach (var method in ordered)
            {
                var run = runner.Run(method, trial, optionsOf(method), relay, cancel);
                if (method.Name == Retrain)
                    reference = run.Evaluation;
                var report = run.Evaluation is null ? null : MetricReport.Compare(before, run.Evaluation, reference);
                results[method.Name].Add((run, report));
                progress.Report($"trial {trial.Index + 1} of {trials}", 1, $"{method.Name}: done");
            }

            originals.Add(MetricReport.Compare(before, before, reference));
            if (reference is not null)
                references.Add(MetricReport.Compare(before, reference, reference));
        }

        if (results.Values.All(runs => runs.All(r => r.Run.NotApplicable is not null)))
            throw new UsageException(string.Join("; ", results.Values.Select(runs => runs[0].Run.NotApplicable).Distinct()));
        List<MethodResult> rows = [new() { Method = Original, Data = "", Trials = [], Metrics = Statistics(originals, isErased: false) }];
        if (!results.ContainsKey(Retrain) && references.Count > 0)
            rows.Add(new MethodResult { Method = Retrain, Data = "D_r", Trials = [], Metrics = Statistics(references, isErased: false) });
        rows.AddRange(methods.Select(method => Row(method, results[method.Name])));
        return new ExperimentResult
        {
            Scenario = scenario.Name,
            Description = scenario.Description,
            Trials = [.. all.Select(t => Describe(t, data))],
            Methods = rows,
            Metrics = _definitions,
            Claims = Claims(rows),
        };
    }

    private MethodResult Row(IUnlearningMethod method, List<(MethodRun Run, MetricReport? Report)> runs) => new()
    {
        Method = method.Name,
        Data = method.Name == Retrain ? "D_r" : method.DataUse == DataUse.ForgetOnly ? "D_f" : "D_f, D_r",
        NotApplicable = runs.Select(r => r.Run.NotApplicable).FirstOrDefault(reason => reason is not null),
        Parameters = runs.SelectMany(r => r.Run.Requests).FirstOrDefault()?.Parameters ?? new Dictionary<string, double>(),
        Trials =
        [
            .. runs.Where(r => r.Run.NotApplicable is null).Select(r => new MethodTrialResult(
                r.Run.Trial.Index, r.Run.Seconds, [.. r.Run.Requests.Select(Answer)], r.Run.Joint is { } joint ? Answer(joint) : null)),
        ],
        Metrics = Statistics([.. runs.Select(r => r.Report).OfType<MetricReport>()], isErased: method.Name != Retrain),
    };

    private static AnswerResult Answer(RequestRun run) => new(
        run.Request, run.Outcome == UnlearningOutcome.Diverged ? "diverged" : "completed", run.Seconds, run.Runs, run.Steps, run.Notes, Accuracies(run.Accuracies),
        run.Samples, run.ForwardedImages);

    private static Dictionary<string, double>? Accuracies(ForgetAccuracies? accuracies) => accuracies is null ? null : new Dictionary<string, double>
    {
        ["D_f"] = accuracies.Forget ?? double.NaN,
        ["D_r"] = accuracies.Remain ?? double.NaN,
        ["D_ft"] = accuracies.ForgetTest ?? double.NaN,
        ["D_rt"] = accuracies.RemainTest ?? double.NaN,
    };

    // Every metric that some trial has: mean and deviation over those that have it.
    private StatisticResult[] Statistics(IReadOnlyList<MetricReport> reports, bool isErased)
    {
        var rows = reports.SelectMany(r => r.Rows).DistinctBy(r => (r.Metric, r.Name)).ToArray();
        foreach (var row in rows)
        {
            if (!_definitions.Any(d => (d.Metric, d.Name) == (row.Metric, row.Name)))
                _definitions.Add(new MetricDefinition(row.Metric, row.Name, row.Unit, Requests.Results.Words(row), Requests.Results.IdealOf(row), row.Definition));
        }

        return
        [
            .. rows.Select(row =>
            {
                var found = reports.Select(r => r.Find(row.Metric, row.Name)).ToArray();
                var values = found.Select(f => f?.Value).OfType<double>().ToArray();
                var remark = found[0]?.Notes is { Length: > 0 } words ? words : null;
                return new StatisticResult(
                    row.Metric, row.Name, values.Length == 0 ? double.NaN : values.Average(), Deviation(values), values.Length, remark,
                    found[0]?.Interval is { } interval ? [interval.Low, interval.High] : null,
                    isErased && found[0] is { } first ? Requests.Verdicts.Of(first) : null);
            }),
        ];
    }

    private static double? Deviation(double[] values)
    {
        if (values.Length < 2)
            return null;
        var mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
    }

    private static TrialResult Describe(ScenarioTrial trial, DataSet data)
    {
        var split = ForgetSplit.Create(data, trial.Joint);
        return new TrialResult(trial.Index, (long)trial.Seed, [.. trial.Requests.Select(Named)], split.Forget.Count, split.Remain.Count);

        string Named(ForgetRequest request) => request.IsByClass
            ? $"{request} ({string.Join(", ", request.Classes.ToArray().Select(c => data.ClassNames[c]))})"
            : request.WithNames();
    }

    private static ClaimResult[] Claims(List<MethodResult> rows)
    {
        if (rows.FirstOrDefault(r => r.Method == "esc") is not { Trials.Count: > 0 } esc)
            return [];
        return
        [
            .. rows.Where(r => r != esc && r.Trials.Count > 0).Select(r =>
            {
                var (claimed, source) = PaperRunTimes.Of(r.Method);
                return new ClaimResult(r.Method, claimed, r.Trials.Average(t => t.Seconds) / esc.Trials.Average(t => t.Seconds), source);
            }),
        ];
    }
}
