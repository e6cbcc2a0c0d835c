namespace EscNative.Unlearning;

/// <summary>Calls back on the reporting thread, at once: <see cref="Progress{T}"/> would post, and deliver out of order.</summary>
/// <param name="report">Gets each report.</param>
public sealed class SynchronousProgress<T>(Action<T> report) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => report(value);
}
