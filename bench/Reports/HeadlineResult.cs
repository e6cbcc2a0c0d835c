namespace EscNative.Bench.Reports;

/// <summary>A result in one screen: what was asked, how long it took, what it did, what survives. Console and page show the same.</summary>
internal sealed record HeadlineResult
{
    /// <summary>What was asked, in words: forget class 4 (coat) with esc.</summary>
    public required string Asked { get; init; }

    /// <summary>How many images that concerns, in words.</summary>
    public required string Images { get; init; }

    /// <summary>The network, the images and the device, in words.</summary>
    public required string Setting { get; init; }

    /// <summary>How long the request takes, or null where it was not timed.</summary>
    public HeadlineLatency? Latency { get; init; }

    /// <summary>What its time is beside others': measured here, or the paper's.</summary>
    public required IReadOnlyList<RelationResult> Relations { get; init; }

    /// <summary>What it did to the model's answers.</summary>
    public required IReadOnlyList<EffectResult> Effects { get; init; }

    /// <summary>What an attacker still finds.</summary>
    public required IReadOnlyList<EffectResult> Attacks { get; init; }

    /// <summary>Where the time goes: the stages, the longest first.</summary>
    public required IReadOnlyList<StageShareResult> Stages { get; init; }

    /// <summary>Several methods on the same request, in the order asked; empty for one.</summary>
    public required IReadOnlyList<HeadlineMethod> Methods { get; init; }

    /// <summary>What makes figures above doubtful, with its likely cause.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>All verdicts in one line.</summary>
    public required string Verdict { get; init; }

    /// <summary>The same without times: those of an emulated device mean nothing.</summary>
    public HeadlineResult WithoutTimes() => this with
    {
        Latency = null,
        Relations = [],
        Stages = [],
        Methods = [.. Methods.Select(m => m with { Milliseconds = double.NaN, TimesEsc = double.NaN })],
    };
}

/// <summary>A request's time in milliseconds.</summary>
/// <param name="MedianMs">The figure to quote.</param>
/// <param name="LowMs">5 % of the runs were faster.</param>
/// <param name="HighMs">5 % of the runs were slower.</param>
/// <param name="ColdMs">The first request of the process.</param>
/// <param name="Runs">How many runs.</param>
internal sealed record HeadlineLatency(double MedianMs, double LowMs, double HighMs, double ColdMs, int Runs);

/// <summary>Another time beside the request's.</summary>
/// <param name="To">What takes that time: retraining, LAU, PyTorch, the paper's ESC.</param>
/// <param name="Milliseconds">It; NaN where only a ratio is known.</param>
/// <param name="Ratio">It divided by ours: above 1 ours is faster; NaN where it was not measured here, because it is then of another machine.</param>
/// <param name="Against">What of ours it is divided by: the request, or the method alone (no file is read or written).</param>
/// <param name="Claimed">The paper's ratio to its own ESC; NaN where it has none.</param>
/// <param name="Measured">Whether it was measured on this machine.</param>
/// <param name="Note">What it is and how it was obtained.</param>
internal sealed record RelationResult(string To, double Milliseconds, double Ratio, string Against, double Claimed, bool Measured, string Note)
{
    public const string Request = "the request";
    public const string Method = "the method alone";
}

/// <summary>A metric before and after.</summary>
/// <param name="Label">What it is, in words.</param>
/// <param name="Metric">The metric's name, as in <c>metrics</c>.</param>
/// <param name="Name">Which of its numbers: <c>D_f</c>.</param>
/// <param name="Unit">%, or empty.</param>
/// <param name="Before">Of the model before the request.</param>
/// <param name="After">Of the model after it.</param>
/// <param name="Low">The lower end of the 95 % confidence interval of <paramref name="After"/>; NaN where there is none.</param>
/// <param name="High">The upper end.</param>
/// <param name="Retrain">Of a model trained without what is to be forgotten; NaN where there is none.</param>
/// <param name="Verdict">What it says.</param>
internal sealed record EffectResult(
    string Label, string Metric, string Name, string Unit, double Before, double After, double Low, double High, double Retrain, VerdictResult Verdict);

/// <summary>A stage's part of the request.</summary>
/// <param name="Name">Its name, as in <c>latency.stages</c>.</param>
/// <param name="Label">What it does, in words.</param>
/// <param name="Milliseconds">Its median.</param>
/// <param name="Percent">Of the profile's median.</param>
internal sealed record StageShareResult(string Name, string Label, double Milliseconds, double Percent);

/// <summary>One of several methods.</summary>
/// <param name="Method">Its name; <c>original</c> is the model before the request.</param>
/// <param name="Milliseconds">Of the method alone; NaN for what is no method, or where times mean nothing.</param>
/// <param name="TimesEsc">Its time divided by ESC's here; NaN where one is missing.</param>
/// <param name="ClaimedTimesEsc">The same in the paper; NaN where it has none.</param>
/// <param name="Outcome"><c>completed</c>, <c>diverged</c>, <c>does not apply</c>, or empty for what is no method.</param>
/// <param name="Effects">As <see cref="HeadlineResult.Effects"/>.</param>
/// <param name="Attacks">As <see cref="HeadlineResult.Attacks"/>.</param>
/// <param name="Verdict">All its verdicts in one line.</param>
internal sealed record HeadlineMethod(
    string Method, double Milliseconds, double TimesEsc, double ClaimedTimesEsc, string Outcome,
    IReadOnlyList<EffectResult> Effects, IReadOnlyList<EffectResult> Attacks, string Verdict);

/// <summary>What a metric says beside its reference, by more than chance explains.</summary>
/// <param name="Verdict"><c>better</c>, <c>as</c> (no difference beyond chance), <c>worse</c>, or <c>none</c>.</param>
/// <param name="Against"><c>Retrain</c>, <c>the ideal</c>, <c>before</c> (the model before the request), <c>chance</c> (guessing), or empty.</param>
/// <param name="Why">In words: knowledge is left, over-erased, why there is no verdict; or empty.</param>
internal sealed record VerdictResult(string Verdict, string Against, string Why)
{
    public const string Better = "better";
    public const string As = "as";
    public const string Worse = "worse";
    public const string None = "none";
    public const string Retrain = "Retrain";
    public const string Ideal = "the ideal";
    public const string Before = "before";
    public const string Chance = "chance";
    public const string OverErased = "over-erased";

    /// <summary>It in a few words: as Retrain; worse: knowledge is left.</summary>
    /// <returns>The text.</returns>
    public string Words() => Verdict switch
    {
        None => Why.Length > 0 ? Why : "no verdict",
        As => $"as {Against}",
        _ => Why.Length > 0 ? $"{Verdict}: {Why}" : $"{Verdict} than {Against}",
    };

    /// <summary>It in one or two words, for narrow tables.</summary>
    /// <returns>The text.</returns>
    public string Short() => Verdict switch
    {
        None => Against.Length == 0 && Why.Contains("Retrain", StringComparison.Ordinal) ? "unknown" : "-",
        As => $"as {Against}",
        Worse when Why == OverErased => OverErased,
        _ => Verdict,
    };
}
