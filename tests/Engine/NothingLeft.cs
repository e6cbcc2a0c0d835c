namespace EscNative.Tests.Engine;

/// <summary>After the last test: what was forgotten is collected, so that it is counted.</summary>
public sealed class NothingLeft : IDisposable
{
    public void Dispose()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(0, TestDevices.Current.Memory.LiveTensors);
        Assert.Equal(0, TestDevices.Current.Memory.Live);
        Assert.Equal((0L, 0L), NoLeaksAttribute.Mistakes());
    }
}
