namespace EscNative.Models.Data;

/// <summary>The bytes of one batch after another. Where they come from files, those of the next batch are decoded while this one is computed with.</summary>
/// <remarks>For one thread.</remarks>
internal sealed class BatchPixels(ImageSet set) : IDisposable
{
    private int[] _indices = [];
    private int[] _nextIndices = [];
    private byte[] _rows = [];
    private byte[] _nextRows = [];
    private Task? _next;

    /// <summary>The image at a position of the batch, until the next one is loaded.</summary>
    public ReadOnlySpan<byte> this[int position] => set.IsInMemory
        ? set.Pixels(_indices[position])
        : _rows.AsSpan(position * set.ImageSize, set.ImageSize);

    /// <summary>Goes to a batch.</summary>
    /// <param name="indices">Positions in the set.</param>
    /// <param name="following">Those of the batch that will be asked for next, or none.</param>
    public void Load(ReadOnlySpan<int> indices, ReadOnlySpan<int> following)
    {
        if (set.IsInMemory)
        {
            _indices = indices.ToArray();
            return;
        }

        var pending = _next;
        _next = null;
        if (pending is not null)
            Task.WaitAny(pending);
        if (pending is not null && indices.SequenceEqual(_nextIndices))
        {
            pending.GetAwaiter().GetResult();
            (_rows, _nextRows) = (_nextRows, _rows);
        }
        else
        {
            Grow(ref _rows, indices.Length);
            set.Read(indices, _rows.AsSpan(0, indices.Length * set.ImageSize));
        }

        _indices = indices.ToArray();
        if (following.IsEmpty)
            return;
        _nextIndices = following.ToArray();
        Grow(ref _nextRows, following.Length);
        var (ahead, rows) = (_nextIndices, _nextRows);
        _next = Task.Run(() => set.Read(ahead, rows.AsSpan(0, ahead.Length * set.ImageSize)));
    }

    /// <summary>Waits for what is being decoded; nobody wants it any more.</summary>
    public void Dispose()
    {
        if (_next is { } pending)
            Task.WaitAny(pending);
        _next = null;
    }

    private void Grow(ref byte[] rows, int count)
    {
        if (rows.Length < count * set.ImageSize)
            rows = new byte[checked(count * set.ImageSize)];
    }
}
