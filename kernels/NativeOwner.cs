namespace EscNative.Kernels;

/// <summary>The owner of memory or of a handle outside the managed heap, which kernels and native libraries get as a bare address.</summary>
/// <remarks>
/// It gives the address only within a <see cref="KernelCall"/> (<see cref="HoldInCall"/>), which holds it until it ends: what is
/// disposed meanwhile, or forgotten by everybody else, is given back then and not under the kernel. Thread-safe.
/// </remarks>
public abstract class NativeOwner : IDisposable
{
    // The owner's own, one for each call that holds it, and those that a class adds.
    private int _references = 1;
    private int _disposed;

    /// <summary>Gives back what nobody disposed.</summary>
    ~NativeOwner()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        Free(late: true);
        // Another finalizer may still release a reference, which must not give it back again.
        Volatile.Write(ref _references, int.MinValue / 2);
    }

    /// <summary>How many references there are now.</summary>
    protected int References => Volatile.Read(ref _references);

    /// <summary>Gives it back: now, or when the last call ends that holds it. A second time does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Adds a reference.</summary>
    /// <exception cref="ObjectDisposedException">It was given back, or is about to be.</exception>
    protected internal void AddReference()
    {
        var references = References;
        while (references > 0 && Volatile.Read(ref _disposed) == 0)
        {
            var seen = Interlocked.CompareExchange(ref _references, references + 1, references);
            if (seen == references)
                return;
            references = seen;
        }

        throw new ObjectDisposedException(GetType().Name);
    }

    /// <summary>Takes a reference back; with the last one everything is given back.</summary>
    protected internal void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;
#pragma warning disable CA1816 // Counted references: this is the Dispose of the last of them.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        Free(late: false);
    }

    /// <summary>Has the calling thread's open call hold this until it ends: before an address is given out.</summary>
    /// <exception cref="InvalidOperationException">No call is open on this thread.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    protected void HoldInCall() => KernelCall.HoldInCurrent(this);

    /// <summary>Gives everything back, once; it may be little where a constructor threw. Must not throw.</summary>
    /// <param name="late">Whether this is the finalizer.</param>
    protected abstract void Free(bool late);
}
