using System.Diagnostics;
using System.Globalization;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>A method that leaves all weights as they are and puts one affine map of low rank between features and head.</summary>
/// <remarks>
/// One forward pass over the data, statistics in float64 on the host, a closed form. A further request sees the features as earlier
/// ones left them, and its factor comes after theirs. Nothing of the model changes before the last step, so a request that is
/// cancelled or fails leaves it untouched. The passes are short: there is no checkpoint, a stopped run starts again.
/// </remarks>
public abstract class FeatureMethod : IUnlearningMethod
{
    // Only this assembly knows what Solve works with.
    private protected FeatureMethod()
    {
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public virtual DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public virtual IReadOnlyList<MethodParameter> Parameters => [];

    /// <inheritdoc/>
    public void CheckOptions(UnlearningOptions options)
    {
        _ = MethodParameters.Of(this, options);
        RequestOptions.RefuseSubspace(this, options);
    }

    /// <inheritdoc/>
    public virtual string? WhyNotApplicable(UnlearningContext context) => null;

    /// <inheritdoc/>
    public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var started = Stopwatch.GetTimestamp();
        using var span = RequestSpan.Begin(this, context);
        CheckOptions(context.Options);
        var parameters = MethodParameters.Of(this, context.Options);
        RequestOptions.RefuseResume(this, context);
        RequestOptions.RefuseNothing(this, context);
        RequestOptions.RefuseInapplicable(this, context);
        var notes = new List<string>();
        int forget = context.Forget.Count, remain = DataUse == DataUse.ForgetAndRemain ? context.Remain.Count : 0;
        FeatureChange change;
        using (var pass = new FeaturePass(context.Model, Math.Max(forget, remain), context.Recorder))
            change = Solve(new FeatureTask(context, parameters, pass, notes, progress, cancel) { Images = (long)forget + remain });
        cancel.ThrowIfCancellationRequested();
        using (context.Stage("apply"))
            context.Model.Erase(new ErasureOperator(change.Width, change.ToFactor(Origin(context, parameters, change))));
        context.Remember(this);
        return RequestSpan.End(span, new UnlearningResult
        {
            Method = Name,
            Images = context.Forget.Count,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Parameters = parameters.Values,
            Notes = notes,
        });
    }

    /// <summary>Reads the features that the method needs and solves for the change of them.</summary>
    private protected abstract FeatureChange Solve(FeatureTask task);

    private Dictionary<string, string> Origin(UnlearningContext context, MethodParameters parameters, FeatureChange change)
    {
        var origin = new Dictionary<string, string>
        {
            ["method"] = Name,
            ["request"] = context.Request,
            ["classes"] = context.ClassesAsked,
            ["images"] = context.Forget.Count.ToString(CultureInfo.InvariantCulture),
            ["rank"] = change.Rank.ToString(CultureInfo.InvariantCulture),
            ["seed"] = context.Options.Seed.ToString(CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in parameters.Values)
            origin[name] = value.ToString("R", CultureInfo.InvariantCulture);
        return origin;
    }
}
