namespace EscNative.Bench.Cli;

/// <summary>Progress that is told at once, on the thread that reports it.</summary>
/// <param name="tell">Gets each report.</param>
internal sealed class Relay<T>(Action<T> tell) : IProgress<T>
{
    public void Report(T value) => tell(value);
}
