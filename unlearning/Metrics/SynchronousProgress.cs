namespace EscNative.Unlearning.Metrics;

/// <summary>Calls back on the reporting thread, at once: <see cref="Progress{T}"/> would post, and deliver out of order.</summary>
internal sealed class SynchronousProgress<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
