namespace EscNative.Kernels.Cuda.Driver;

/// <summary>The records of one thread or one graph; see <see cref="KernelFaults"/>.</summary>
internal sealed unsafe class FaultSlot(KernelFaults owner, nint host, nint device)
{
    private readonly Lock _lock = new();

    // Of other threads whose values this one has used since its last wait.
    private readonly List<FaultMark> _joined = [];
    private int _launches;
    private long _waits;

    ~FaultSlot() => Owner.Return(host, device, mayBeInUse: _launches > 0);

    public KernelFaults Owner { get; } = owner;

    /// <summary>How often the thread has waited for what it launched.</summary>
    public long Waits => Volatile.Read(ref _waits);

    /// <summary>The record of the next launch; called by the thread itself.</summary>
    public nint Next()
    {
        var record = Math.Min(_launches, KernelFaults.Records - 1);
        Volatile.Write(ref _launches, record + 1);
        return device + (record * KernelFaults.RecordInts * sizeof(int));
    }

    /// <summary>The launches so far, or where there are none what was joined last; called by the thread itself.</summary>
    public FaultMark Mark() => _launches > 0 ? new FaultMark(this, _waits, _launches) : _joined.Count > 0 ? _joined[^1] : default;

    /// <summary>The thread uses values of another one, or launches a graph.</summary>
    public void Join(in FaultMark mark)
    {
        for (var i = 0; i < _joined.Count; i++)
        {
            if (_joined[i].Slot != mark.Slot)
                continue;
            if (_joined[i].Wait != mark.Wait || _joined[i].Count < mark.Count)
                _joined[i] = mark;
            return;
        }

        _joined.Add(mark);
    }

    /// <summary>Takes the first fault that concerns the thread, after a wait: of its own launches, then of those that it has joined.</summary>
    public bool Take(out (int Code, int Value, long Where, long Limit) fault)
    {
        if (_launches > 0 && TakeOwn(out fault))
            return true;
        while (_joined.Count > 0)
        {
            var mark = _joined[^1];
            _joined.RemoveAt(_joined.Count - 1);
            if (mark.Slot!.TakeFor(mark, out fault))
                return true;
        }

        fault = default;
        return false;
    }

    private bool TakeOwn(out (int Code, int Value, long Where, long Limit) fault)
    {
        lock (_lock)
        {
            // What came after the first fault follows from it, or is told when it is done again.
            var found = Read(_launches, out fault);
            if (found)
                new Span<int>((void*)host, _launches * KernelFaults.RecordInts).Clear();
            _launches = 0;
            Volatile.Write(ref _waits, _waits + 1);
            return found;
        }
    }

    // For a thread that has used values of this one.
    private bool TakeFor(in FaultMark mark, out (int Code, int Value, long Where, long Limit) fault)
    {
        lock (_lock)
        {
            fault = default;
            return _waits == mark.Wait && Read(mark.Count, out fault);
        }
    }

    private bool Read(int count, out (int Code, int Value, long Where, long Limit) fault)
    {
        for (var i = 0; i < count; i++)
        {
            var record = (int*)host + (i * KernelFaults.RecordInts);
            if (Volatile.Read(ref *record) == 0)
                continue;
            fault = (record[0], record[1], *(long*)(record + 2), *(long*)(record + 4));
            new Span<int>(record, KernelFaults.RecordInts).Clear();
            return true;
        }

        fault = default;
        return false;
    }
}
