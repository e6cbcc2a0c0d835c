namespace EscNative.Bench.Workshop;

/// <summary>A prepared measurement; disposing it frees the inputs.</summary>
/// <param name="compute">Computes once.</param>
/// <param name="free">Frees the inputs.</param>
/// <param name="check">Compares the result with the peer's answer and says how far they are apart, or null.</param>
internal sealed class KernelRun(Action compute, Action free, Func<System.Text.Json.Nodes.JsonObject, string>? check = null) : IDisposable
{
    public void Compute() => compute();

    /// <summary>How far the result is from the peer's, or an empty text where there is nothing to compare.</summary>
    public string Check(System.Text.Json.Nodes.JsonObject answer) => check?.Invoke(answer) ?? "";

    public void Dispose() => free();
}
