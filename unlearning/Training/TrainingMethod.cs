using System.Diagnostics;

namespace EscNative.Unlearning.Training;

/// <summary>A method that changes the model's weights by epochs of optimizer steps. It says what is trained on what; the rest is done here.</summary>
/// <remarks>
/// The rest: a model with an erasure is refused; a run that fails or is cancelled leaves the model exactly as it was; one that
/// diverges ends with <see cref="UnlearningOutcome.Diverged"/> and the model of the last sound epoch; the state goes to
/// <see cref="UnlearningContext.CheckpointPath"/> after each epoch, and a resumed run gives the bits of an uninterrupted one. The model
/// is in the mode in which it was given afterwards. A method object has no state: one may run many requests.
/// </remarks>
public abstract class TrainingMethod : IUnlearningMethod
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public abstract DataUse DataUse { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<MethodParameter> Parameters { get; }

    /// <inheritdoc/>
    public bool KeepsCheckpoint => true;

    /// <inheritdoc/>
    public void CheckOptions(UnlearningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckParameters(MethodParameters.Of(this, options));
        if (options.Percent is not null || options.Directions is not null || options.Solver != "auto" || options.Mode != UnlearningMode.Paper)
            throw new UsageException($"{Name}: got a percentage, a number of directions, a solver or a mode, and has no use for them: leave them out");
    }

    /// <inheritdoc/>
    public virtual string? WhyNotApplicable(UnlearningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Model.Erasure is null ? null : $"{Name}: the model has an erasure, and training would work around it: unlearn on the original model";
    }

    /// <inheritdoc/>
    public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var started = Stopwatch.GetTimestamp();
        using var span = RequestSpan.Begin(this, context);
        CheckOptions(context.Options);
        var parameters = MethodParameters.Of(this, context.Options);
        RequestOptions.RequireCheckpoint(this, context);
        RequestOptions.RefuseNothing(this, context);
        RequestOptions.RefuseInapplicable(this, context);
        var model = context.Model;
        var training = model.Training;
        using var setup = new TrainingSetup(this, context, parameters, progress, cancel);
        try
        {
            TrainingTask task;
            using (context.Stage("prepare"))
                task = Prepare(setup);
            using var run = new TrainingRun(this, context, setup, task);
            var (outcome, steps, notes) = run.Run();
            model.Training = training;
            if (outcome == UnlearningOutcome.Completed)
                context.Remember(this);
            return RequestSpan.End(span, new UnlearningResult
            {
                Method = Name,
                Images = context.Forget.Count,
                Seconds = run.EarlierSeconds + Stopwatch.GetElapsedTime(started).TotalSeconds,
                Outcome = outcome,
                Parameters = parameters.Values,
                Steps = steps,
                Notes = notes,
            });
        }
        catch
        {
            model.Assign(setup.Original);
            model.Training = training;
            throw;
        }
    }

    /// <summary>Checks values that are in range each and make no sense together; the base has nothing to check.</summary>
    /// <exception cref="UsageException">They do not.</exception>
    protected virtual void CheckParameters(MethodParameters parameters)
    {
    }

    /// <summary>Says what is trained on what. The model is still as it was given, also in a run that is resumed.</summary>
    /// <param name="setup">The model, the data that the method declared, the parameters, and what is usually made of them.</param>
    protected abstract TrainingTask Prepare(TrainingSetup setup);
}
