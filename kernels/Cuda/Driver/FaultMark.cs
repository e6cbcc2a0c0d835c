namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Which launches of a thread, of those that may report a fault, values may come from: the first <c>Count</c> since its last wait.</summary>
/// <remarks>Device memory carries one, so that another thread that uses the values learns of their faults.</remarks>
public readonly struct FaultMark
{
    internal FaultMark(FaultSlot slot, long wait, int count) => (Slot, Wait, Count) = (slot, wait, count);

    /// <summary>Whether there is such a launch, and its thread has not waited for it.</summary>
    public bool IsOpen => Slot is not null && Slot.Waits == Wait;

    internal FaultSlot? Slot { get; }

    internal long Wait { get; }

    internal int Count { get; }
}
