using System.Runtime.CompilerServices;

namespace EscNative.Kernels;

/// <summary>A stretch of a thread's work in which addresses are used: <c>using var call = KernelCall.Begin();</c></summary>
/// <remarks>
/// The garbage collector does not see addresses: without a call, an operand that nobody else needs any more is finalized while a
/// kernel reads it. Every owner whose address is taken within a call lives until its end, and outside of a call no owner gives
/// its address: that cannot be forgotten. Calls nest. On a GPU a call need only last until the work is issued, since memory is
/// given back in the order of the stream. Bound to its thread; it allocates nothing, and costs some 15 ns and 30 ns more an owner.
/// </remarks>
public readonly ref struct KernelCall : IDisposable
{
    // How many of the newest entries are looked through for an owner that is held already.
    private const int Recent = 8;

    [ThreadStatic]
    private static Held? t_held;

    private readonly Held _held;
    private readonly int _first;

    private KernelCall(Held held) => (_held, _first) = (held, held.Count);

    /// <summary>For tests: called whenever an address was taken, on the thread that took it.</summary>
    internal static Action? Taken { get; set; }

    /// <summary>Begins a call on this thread; dispose of it where the addresses are no longer used.</summary>
    public static KernelCall Begin()
    {
        var held = t_held ??= new Held();
        held.Depth++;
        return new KernelCall(held);
    }

    /// <summary>Holds an owner whose address was taken in an earlier call, and stored.</summary>
    /// <param name="owner">The owner.</param>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public void Hold(NativeOwner owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        Add(_held ?? throw Outside(owner), owner);
    }

    /// <summary>Ends the call; a default one does nothing.</summary>
    public void Dispose()
    {
        if (_held is null)
            return;
        _held.Depth--;
        while (_held.Count > _first)
        {
            var last = _held.Objects[--_held.Count];
            _held.Objects[_held.Count] = null;
            (last as NativeOwner)?.Release();
        }
    }

    internal static void HoldInCurrent(NativeOwner owner) => Add(Current(owner), owner);

    /// <summary>Holds memory of the managed heap that does not move.</summary>
    internal static void KeepInCurrent(object memory)
    {
        var held = Current(memory);
        if (held.HasRecently(memory))
            return;
        held.Grow();
        held.Objects[held.Count++] = memory;
        Taken?.Invoke();
    }

    private static void Add(Held held, NativeOwner owner)
    {
        if (held.HasRecently(owner))
            return;
        held.Grow();
        owner.AddReference();
        held.Objects[held.Count++] = owner;
        Taken?.Invoke();
    }

    private static Held Current(object owner) => t_held is { Depth: > 0 } held ? held : throw Outside(owner);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static InvalidOperationException Outside(object owner) => new(
        $"{owner.GetType().Name}: its address was asked for outside of a KernelCall, so that it could be freed while it is used; put 'using var call = KernelCall.Begin();' around the use");

    private sealed class Held
    {
        public object?[] Objects { get; private set; } = new object?[64];

        public int Count { get; set; }

        public int Depth { get; set; }

        public bool HasRecently(object owner)
        {
            for (var i = Count - 1; i >= Math.Max(Count - Recent, 0); i--)
            {
                if (ReferenceEquals(Objects[i], owner))
                    return true;
            }

            return false;
        }

        public void Grow()
        {
            if (Count < Objects.Length)
                return;
            var more = new object?[2 * Count];
            Objects.CopyTo(more, 0);
            Objects = more;
        }
    }
}
