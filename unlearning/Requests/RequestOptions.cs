namespace EscNative.Unlearning;

/// <summary>Refuses options that a method has no use for: none is ignored in silence.</summary>
internal static class RequestOptions
{
    /// <summary>Refuses what only ESC and ESC-T take: p, k, a solver, Official mode.</summary>
    /// <exception cref="UsageException">One of them is set.</exception>
    public static void RefuseSubspace(IUnlearningMethod method, UnlearningOptions options)
    {
        Refuse(method, options.Percent is not null, "p");
        Refuse(method, options.Directions is not null, "k");
        Refuse(method, options.Solver != "auto", "a solver");
        Refuse(method, options.Mode != UnlearningMode.Paper, "Official mode");
    }

    /// <summary>Refuses a checkpoint for methods whose passes are short enough to start again.</summary>
    /// <exception cref="UsageException">The run is to be resumed.</exception>
    public static void RefuseResume(IUnlearningMethod method, UnlearningContext context) =>
        Refuse(method, context.Resume, "a run to resume (it keeps no checkpoint: start it again)");

    /// <summary>Refuses a run that is to be resumed and names no checkpoint.</summary>
    /// <exception cref="UsageException">It does not.</exception>
    public static void RequireCheckpoint(IUnlearningMethod method, UnlearningContext context)
    {
        if (context.Resume && context.CheckpointPath is null)
            throw new UsageException($"{method.Name}: resume wants the checkpoint to go on from (--checkpoint FILE)");
    }

    /// <summary>Why methods that edit weights do not apply to a model with an erasure: the edit would not reach what the erasure took away.</summary>
    public static string? WhyErasure(IUnlearningMethod method, UnlearningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Model.Erasure is null ? null : $"{method.Name}: the model has an erasure, and this method changes weights beneath it. Use the original model";
    }

    /// <summary>Refuses a request that the method declares not to apply to.</summary>
    /// <exception cref="UsageException">It says why.</exception>
    public static void RefuseInapplicable(IUnlearningMethod method, UnlearningContext context)
    {
        if (method.WhyNotApplicable(context) is { } reason)
            throw new UsageException(reason);
    }

    /// <summary>Refuses a request without images: to forget, or that remain where the method needs them.</summary>
    /// <exception cref="UsageException">The context was made without D_r, which the method needs.</exception>
    /// <exception cref="EscException">D_f or D_r is empty (bad input).</exception>
    public static void RefuseNothing(IUnlearningMethod method, UnlearningContext context)
    {
        if (context.Forget.Count == 0)
            throw new EscException(ErrorCode.BadInput, $"{method.Name}: there is no image to forget: check the classes or indices of the request");
        if (method.DataUse == DataUse.ForgetOnly)
            return;
        if (!context.HasRemain)
            throw new UsageException($"{method.Name}: needs the remaining data too (D_r), and the context was made without: give it, or make the context by UnlearningContext.For");
        if (context.Remain.Count == 0)
            throw new EscException(ErrorCode.BadInput, $"{method.Name}: there is no image that remains: check the classes or indices of the request");
    }

    private static void Refuse(IUnlearningMethod method, bool isSet, string what)
    {
        if (isSet)
            throw new UsageException($"{method.Name}: got {what}, which it does not use");
    }
}
