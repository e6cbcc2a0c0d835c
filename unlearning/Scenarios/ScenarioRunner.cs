using System.Globalization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Unlearning.Scenarios;

/// <summary>Lets methods answer the requests of trials, each on a copy of one model, times them and measures what is left.</summary>
/// <remarks>
/// Several requests are answered one after another: each on the model that the last one left, with D_r free of everything that was asked
/// for before. A method sees what it declared (<see cref="IUnlearningMethod.DataUse"/>), whatever it is.
/// </remarks>
public sealed class ScenarioRunner
{
    private readonly Classifier _original;
    private readonly DataSet _data;
    private readonly ScenarioRunnerOptions _options;
    private readonly AnswerStore _store;
    private readonly RunIdentity? _identity;

    /// <summary>A runner for a model and its data.</summary>
    /// <param name="original">The model before every request; not changed.</param>
    /// <param name="modelId">What the model is called, such as its file's hash; its values tell it from others too.</param>
    /// <param name="data">The images, in the size that the model takes.</param>
    /// <param name="options">How to work.</param>
    /// <exception cref="OutputException">The state folder cannot be made.</exception>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public ScenarioRunner(Classifier original, string modelId, DataSet data, ScenarioRunnerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(data);
        _original = original;
        _data = data;
        _options = options ?? new ScenarioRunnerOptions();
        _options.Validate();
        _store = new AnswerStore(_options.StateFolder);
        _identity = _options.StateFolder is null ? null : IdentityOf(original, modelId, data, _options);
        if (_options.StateFolder is { } folder)
        {
            try
            {
                Directory.CreateDirectory(folder);
            }
            catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
            {
                throw new OutputException($"cannot keep the state of the experiment in {folder}: {cause.Message}", cause);
            }
        }
    }

    /// <summary>Every metric of the model before the trial's requests.</summary>
    /// <param name="trial">The trial.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Cancels.</param>
    public Evaluation Original(ScenarioTrial trial, IProgress<ScenarioProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(trial);
        return Measure(_original, Split(trial.Joint), "original", progress, cancel);
    }

    /// <summary>Lets a method answer a trial's requests.</summary>
    /// <param name="method">The method.</param>
    /// <param name="trial">The trial; its seed replaces that of the options.</param>
    /// <param name="options">The method's options.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Cancels; answered requests, and the last whole epoch of one in hand, are kept in the state folder.</param>
    /// <returns>What the method made of it; where it declares that it does not apply (<see cref="IUnlearningMethod.WhyNotApplicable"/>), why.</returns>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="EscException">The data cannot be used.</exception>
    public MethodRun Run(
        IUnlearningMethod method, ScenarioTrial trial, UnlearningOptions? options = null, IProgress<ScenarioProgress>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(trial);
        var job = new Job(method, trial, (options ?? new UnlearningOptions()) with { Seed = trial.Seed }, progress, cancel);
        method.CheckOptions(job.Options);
        // An experiment over many methods goes on: not every method can answer every request.
        return WhyNotApplicable(job) is { } reason
            ? new MethodRun { Method = method.Name, Trial = trial, NotApplicable = reason }
            : trial.Requests.Count == 1 ? Single(job) : OneAfterAnother(job);
    }

    // Asked of every request before the first is answered: on the model before them, whose kind a method's own answers do not change.
    private string? WhyNotApplicable(Job job)
    {
        ForgetSplit? last = null;
        foreach (var request in job.Trial.Requests)
        {
            last = last is null ? Split(request) : last.Then(request);
            if (job.Method.WhyNotApplicable(UnlearningContext.For(job.Method, _original, last, job.Options)) is { } reason)
                return reason;
        }

        return null;
    }

    private MethodRun Single(Job job)
    {
        var split = Split(job.Trial.Joint);
        var (model, run) = Answer(job, _original, split, "", []);
        using (model)
        {
            return new MethodRun
            {
                Method = job.Method.Name,
                Trial = job.Trial,
                Requests = [run],
                Evaluation = Measure(model, split, job.Method.Name, job.Progress, job.Cancel),
            };
        }
    }

    private MethodRun OneAfterAnother(Job job)
    {
        var runs = new List<RequestRun>();
        var requests = job.Trial.Requests;
        var model = _original.Copy();
        try
        {
            ForgetSplit? last = null;
            for (var r = 0; r < requests.Count; r++)
            {
                var split = last is null ? Split(requests[r]) : last.Then(requests[r]);
                var (next, run) = Answer(job, model, split, $"-{r}", requests.Take(r));
                model.Dispose();
                model = next;
                last = split;
                runs.Add(run with { Accuracies = Accuracies(model, Split(ForgetRequest.Union([.. requests.Take(r + 1)])), job.Cancel) });
            }

            var whole = Split(job.Trial.Joint);
            var (joint, jointRun) = Answer(job, _original, whole, "-joint", []);
            using (joint)
                jointRun = jointRun with { Accuracies = Accuracies(joint, whole, job.Cancel) };
            return new MethodRun
            {
                Method = job.Method.Name,
                Trial = job.Trial,
                Requests = runs,
                Joint = jointRun,
                Evaluation = Measure(model, whole, job.Method.Name, job.Progress, job.Cancel),
            };
        }
        finally
        {
            model.Dispose();
        }
    }

    /// <summary>A new model that answers a request, from the state folder if it lies there.</summary>
    private (Classifier Model, RequestRun Run) Answer(Job job, Classifier before, ForgetSplit split, string part, IEnumerable<ForgetRequest> earlier)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{job.Trial.Scenario}-{job.Trial.Index}-{job.Method.Name}{part}");
        var key = _identity is null ? "" : AnswerStore.Key([_identity.Hash, .. Describe(job), .. earlier.Append(split.Request).Select(request => request.Describe())]);
        if (_store.Find(name, key, before.Device) is { } found)
            return found;

        var seconds = new List<double>();
        var (model, result) = Once(job, before, split, _store.CheckpointOf(name, key));
        try
        {
            seconds.Add(result.Seconds);
            var forwarded = model.ForwardedImages;
            while (seconds[0] < _options.RepeatBelowSeconds && seconds.Count < _options.Repeats)
            {
                var (again, timed) = Once(job, before, split, null);
                again.Dispose();
                seconds.Add(timed.Seconds);
            }

            var sorted = seconds.Order().ToArray();
            var run = new RequestRun
            {
                Request = split.Request.ToString(),
                Outcome = result.Outcome,
                Seconds = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2,
                Runs = seconds.Count,
                Samples = seconds,
                ForwardedImages = forwarded,
                Steps = result.Steps,
                Parameters = result.Parameters,
                Notes = result.Notes,
            };
            _store.Save(name, key, model, run);
            return (model, run);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static (Classifier Model, UnlearningResult Result) Once(Job job, Classifier before, ForgetSplit split, string? checkpoint)
    {
        var model = before.Copy();
        try
        {
            var context = UnlearningContext.For(job.Method, model, split, job.Options, checkpoint: checkpoint);
            var progress = job.Progress is null
                ? null
                : new SynchronousProgress<StageProgress>(p => job.Progress.Report(
                    new ScenarioProgress($"{job.Method.Name}: {p.Stage}", (double)p.Done / Math.Max(p.Total, 1))));
            return (model, job.Method.Run(context, progress, job.Cancel));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private Evaluation Measure(Classifier model, ForgetSplit split, string name, IProgress<ScenarioProgress>? progress, CancellationToken cancel) =>
        EvaluationSuite.Measure(
            model, split, _options.Evaluation,
            progress is null
                ? null
                : new SynchronousProgress<EvaluationProgress>(p => progress.Report(new ScenarioProgress($"{name}: {p.Stage}", p.Share))),
            cancel);

    private static ForgetAccuracies? Accuracies(Classifier model, ForgetSplit split, CancellationToken cancel) =>
        EvaluationData.Of(model, split, cancel: cancel).Accuracies;

    private ForgetSplit Split(ForgetRequest request) => ForgetSplit.Create(_data, request);

    /// <summary>What every answer depends on, whatever the method: other answers under the same name are not taken for this one's.</summary>
    internal static RunIdentity IdentityOf(Classifier original, string modelId, DataSet data, ScenarioRunnerOptions options) => new RunIdentity(original.Device)
        .Add("model", modelId)
        .Add("training images", data.Train)
        .Add("test images", data.Test)
        .Add("class names", string.Join('\0', data.ClassNames))
        .Add("repeats", options.Repeats).Add("repeat below seconds", options.RepeatBelowSeconds)
        .Add(original);

    private static IEnumerable<string> Describe(Job job)
    {
        var options = job.Options;
        yield return job.Method.Name;
        yield return string.Join(';', MethodParameters.Of(job.Method, options).Values.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key}={p.Value:R}")));
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"p {options.Percent:R}, k {options.Directions}, solver {options.Solver}, mode {options.Mode}, batch {options.BatchSize}, augmentation {options.OfficialAugmentation}, seed {options.Seed}");
    }

    private sealed record Job(
        IUnlearningMethod Method, ScenarioTrial Trial, UnlearningOptions Options, IProgress<ScenarioProgress>? Progress, CancellationToken Cancel);
}

/// <summary>How a <see cref="ScenarioRunner"/> works.</summary>
public sealed record ScenarioRunnerOptions
{
    /// <summary>How models are measured.</summary>
    public EvaluationOptions Evaluation { get; init; } = EvaluationOptions.Default;

    /// <summary>
    /// Where answered requests and the state of methods in training are kept, so that a cancelled experiment goes on where it was;
    /// or null. What was answered under other options, for another model or other images is not used.
    /// </summary>
    public string? StateFolder { get; init; }

    /// <summary>A method that takes less than this many seconds is timed again.</summary>
    public double RepeatBelowSeconds { get; init; } = 2;

    /// <summary>How often a short method is timed in all.</summary>
    public int Repeats { get; init; } = 5;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Evaluation);
        Evaluation.Validate();
        UsageException.RequireNonNegative("scenarios", "repeat below seconds", RepeatBelowSeconds);
        UsageException.RequireCount("scenarios", "repeats", Repeats);
    }
}

/// <summary>How far a run is.</summary>
/// <param name="Stage">What is done, for people: "finetune: epoch".</param>
/// <param name="Share">The share of this stage that is done, 0 to 1.</param>
public readonly record struct ScenarioProgress(string Stage, double Share);
