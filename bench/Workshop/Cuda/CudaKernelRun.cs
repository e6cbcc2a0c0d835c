namespace EscNative.Bench.Workshop;

/// <summary>A prepared call; disposing it frees what it works on.</summary>
internal sealed class CudaKernelRun(Action issue, params IDisposable[] owned) : IDisposable
{
    public void Issue() => issue();

    public void Dispose()
    {
        foreach (var o in owned)
            o.Dispose();
    }
}
