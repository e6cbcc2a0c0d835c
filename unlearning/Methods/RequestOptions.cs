namespace EscNative.Unlearning.Methods;

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

    /// <summary>Refuses a model with an erasure, for methods that edit weights: the edit would not reach what the erasure took away.</summary>
    /// <exception cref="UsageException">The model has an erasure.</exception>
    public static void RefuseErasure(IUnlearningMethod method, UnlearningContext context)
    {
        if (context.Model.Erasure is not null)
            throw new UsageException($"{method.Name}: the model has an erasure, and this method changes weights beneath it. Use the original model");
    }

    /// <summary>Refuses a request without images.</summary>
    /// <exception cref="EscException">D_f is empty (bad input).</exception>
    public static void RefuseNothing(IUnlearningMethod method, UnlearningContext context)
    {
        if (context.Forget.Count == 0)
            throw new EscException(ErrorCode.BadInput, $"{method.Name}: there is no image to forget: check the classes or indices of the request");
    }

    private static void Refuse(IUnlearningMethod method, bool isSet, string what)
    {
        if (isSet)
            throw new UsageException($"{method.Name}: got {what}, which it has no use for");
    }
}
