namespace EscNative.Bench.Reports;

/// <summary>Several methods on the same requests.</summary>
internal sealed record ExperimentResult
{
    /// <summary>The scenario's name.</summary>
    public required string Scenario { get; init; }

    public required string Description { get; init; }

    public required IReadOnlyList<TrialResult> Trials { get; init; }

    /// <summary>The model before the requests first, then a Retrain from a file, then the methods in the order asked.</summary>
    public required IReadOnlyList<MethodResult> Methods { get; init; }

    /// <summary>What every metric is.</summary>
    public required IReadOnlyList<MetricDefinition> Metrics { get; init; }

    /// <summary>The paper's claims about run time beside what was measured here; empty where ESC was not among the methods.</summary>
    public required IReadOnlyList<ClaimResult> Claims { get; init; }

    /// <summary>The same without times: those of an emulated device mean nothing.</summary>
    public ExperimentResult WithoutTimes() => this with
    {
        Claims = [],
        Methods =
        [
            .. Methods.Select(m => m with
            {
                Trials = [.. m.Trials.Select(t => t with { Seconds = double.NaN, Requests = [.. t.Requests.Select(Without)], Joint = t.Joint is { } joint ? Without(joint) : null })],
            }),
        ],
    };

    private static AnswerResult Without(AnswerResult answer) => answer with { Seconds = double.NaN, Samples = null };
}

/// <summary>One repetition.</summary>
/// <param name="Requests">What was asked for, one after another, in words.</param>
internal sealed record TrialResult(int Index, long Seed, IReadOnlyList<string> Requests, int ForgetImages, int RemainImages);

/// <summary>What a method made of all trials.</summary>
internal sealed record MethodResult
{
    public required string Method { get; init; }

    /// <summary>What it may see: <c>D_f</c> or <c>D_f, D_r</c>; empty for the model before the requests.</summary>
    public required string Data { get; init; }

    /// <summary>Why it does not apply, or null.</summary>
    public string? NotApplicable { get; init; }

    public IReadOnlyDictionary<string, double> Parameters { get; init; } = new Dictionary<string, double>();

    public required IReadOnlyList<MethodTrialResult> Trials { get; init; }

    public required IReadOnlyList<StatisticResult> Metrics { get; init; }
}

/// <summary>What a method made of one trial.</summary>
/// <param name="Seconds">Wall seconds of the method for all requests.</param>
internal sealed record MethodTrialResult(int Trial, double Seconds, IReadOnlyList<AnswerResult> Requests, AnswerResult? Joint);

/// <summary>How one request was answered.</summary>
/// <param name="Outcome"><c>completed</c> or <c>diverged</c>.</param>
/// <param name="Seconds">The median of <paramref name="Runs"/> runs of the method; NaN where times mean nothing.</param>
/// <param name="Accuracies">For several requests: D_f, D_r, D_ft, D_rt of everything asked for so far.</param>
/// <param name="Samples">The seconds of every run, in order; null in results that did not keep them.</param>
/// <param name="ForwardedImages">Images that went through the network that answers, in one run; null in results that did not count them.</param>
internal sealed record AnswerResult(
    string Request, string Outcome, double Seconds, int Runs, long Steps, IReadOnlyList<string> Notes, IReadOnlyDictionary<string, double>? Accuracies,
    IReadOnlyList<double>? Samples = null, long? ForwardedImages = null);

/// <summary>A metric over the trials.</summary>
/// <param name="Deviation">The sample standard deviation; null for a single trial.</param>
/// <param name="Trials">How many trials have a value.</param>
/// <param name="Remark">What the value of the first trial says beside its reference.</param>
/// <param name="Interval">The 95 % confidence interval [low, high] of the first trial's value, or null where there is none.</param>
/// <param name="Verdict">What the first trial's value says beside its reference; null for the model before the requests.</param>
internal sealed record StatisticResult(
    string Metric, string Name, double Mean, double? Deviation, int Trials, string? Remark, IReadOnlyList<double>? Interval = null, VerdictResult? Verdict = null);

/// <summary>What a metric is.</summary>
internal sealed record MetricDefinition(string Metric, string Name, string Unit, string Direction, string Ideal, string Definition);

/// <summary>A sentence or a number of the paper about time, and what this run says of it.</summary>
/// <param name="Claim">What the paper says.</param>
/// <param name="Where">Where it says it.</param>
/// <param name="Basis"><c>text</c> (read in the paper's own text) or <c>reference</c> (from a summary of it).</param>
/// <param name="Setting">The paper's hardware, network, data and request.</param>
/// <param name="Form">The same without a device: a ratio or a count. This is what is judged.</param>
/// <param name="Claimed">The paper's value of that form; NaN where it has none.</param>
/// <param name="Measured">Ours; NaN where it was not measured.</param>
/// <param name="Interval">What the samples leave open of it, [low, high]; null where it is exact or was not measured.</param>
/// <param name="Here">What was measured, in words: <c>0.036 s (5 runs)</c>, or <c>not measured</c>.</param>
/// <param name="Samples">Where in this document the raw samples stand, such as <c>experiment.methods[13].trials[0].requests[0].samples</c>.</param>
/// <param name="Verdict"><c>holds</c>, <c>does not hold</c> or <c>cannot be told here</c>.</param>
/// <param name="Reason">Why.</param>
internal sealed record TimeClaimResult(
    string Claim, string Where, string Basis, string Setting, string Form, double Claimed, double Measured, IReadOnlyList<double>? Interval, string Here,
    IReadOnlyList<string> Samples, string Verdict, string Reason)
{
    public const string Holds = "holds";
    public const string DoesNotHold = "does not hold";
    public const string CannotBeTold = "cannot be told here";
    public const string Text = "text";
    public const string Reference = "reference";
}

/// <summary>A claim of the paper about run time.</summary>
/// <param name="Method">The method that takes so many times as long as ESC.</param>
/// <param name="Claimed">The paper's ratio, or NaN where it has none.</param>
/// <param name="Measured">Ours.</param>
/// <param name="Source">Where the paper says it.</param>
internal sealed record ClaimResult(string Method, double Claimed, double Measured, string Source);
