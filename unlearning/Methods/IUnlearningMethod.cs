
namespace EscNative.Unlearning.Methods;

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

    /// <summary>Changes the context's model so that it forgets.</summary>
    /// <param name="context">The model, the data and the options.</param>
    /// <param name="progress">Told how far each stage is, or null.</param>
    /// <param name="cancel">Cancels between batches; the model is then as it was before, unless the method says otherwise.</param>
    /// <exception cref="EscException">An option or the data cannot be used.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default);
}
