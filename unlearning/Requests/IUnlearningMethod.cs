namespace EscNative.Unlearning;

/// <summary>A way to make a trained model forget.</summary>
public interface IUnlearningMethod
{
    /// <summary>The name on the command line: <c>esc</c>.</summary>
    string Name { get; }

    /// <summary>One sentence, with the source.</summary>
    string Description { get; }

    /// <summary>Which training data the method sees; the context gives it no more.</summary>
    DataUse DataUse { get; }

    /// <summary>What it can be told by <see cref="UnlearningOptions.Parameters"/>; the defaults are the published values.</summary>
    IReadOnlyList<MethodParameter> Parameters => [];

    /// <summary>Whether it keeps its state in <see cref="UnlearningContext.CheckpointPath"/>, so that a run can be resumed.</summary>
    bool KeepsCheckpoint => false;

    /// <summary>Checks what can be told of the options without a model or data, before anything long begins.</summary>
    /// <param name="options">The options.</param>
    /// <exception cref="UsageException">One makes no sense, or the method has no use for it.</exception>
    void CheckOptions(UnlearningOptions options) => _ = MethodParameters.Of(this, options);

    /// <summary>
    /// Why the method cannot answer a request by its nature, whatever the options are: it forgets whole classes only. Null where it can.
    /// A comparison of methods goes on without it; <see cref="Run"/> refuses such a request.
    /// </summary>
    /// <param name="context">The request.</param>
    string? WhyNotApplicable(UnlearningContext context) => null;

    /// <summary>Changes the context's model so that it forgets.</summary>
    /// <param name="context">The model, the data and the options.</param>
    /// <param name="progress">Told how far each stage is, or null.</param>
    /// <param name="cancel">Cancels between batches; the model is then as it was before, unless the method says otherwise.</param>
    /// <exception cref="EscException">An option or the data cannot be used.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default);
}

/// <summary>How far a stage of a long call is.</summary>
/// <param name="Stage">The stage's name: <c>forward</c>.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
public readonly record struct StageProgress(string Stage, long Done, long Total);

/// <summary>Which training data a method may look at.</summary>
public enum DataUse
{
    /// <summary>Only the data to forget (D_f).</summary>
    ForgetOnly,

    /// <summary>The remaining data (D_r) too.</summary>
    ForgetAndRemain,
}
