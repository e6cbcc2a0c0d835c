namespace EscNative.Models.Data;

/// <summary>The bytes of one batch after another. Where they come from files, those of the next batch are decoded while this one is computed with.</summary>
/// <param name="set">The images.</param>
/// <param name="crop">Random parts of photos that take the place of the whole ones, or null.</param>
/// <remarks>For one thread.</remarks>
internal sealed class BatchPixels(ImageSet set, CropDraw? crop = null) : IDisposable
{
    private readonly bool _inMemory = set.IsInMemory && crop is null;
    private int[] _indices = [];
    private int[] _nextIndices = [];
    private byte[] _rows = [];
    private byte[] _nextRows = [];
    private Task? _next;

    /// <summary>The image at a position of the batch, until the next one is loaded.</summary>
    public ReadOnlySpan<byte> this[int position] => _inMemory
        ? set.Pixels(_indices[position])
        : _rows.AsSpan(position * set.ImageSize, set.ImageSize);

    /// <summary>Goes to a batch.</summary>
    /// <param name="indices">Positions in the set.</param>
    /// <param name="following">Those of the batch that will be asked for next, or none.</param>
    public void Load(ReadOnlySpan<int> indices, ReadOnlySpan<int> following)
    {
        if (_inMemory)
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
            Read(indices, Grow(ref _rows, indices.Length).Span);
        }

        _indices = indices.ToArray();
        if (following.IsEmpty)
            return;
        _nextIndices = following.ToArray();
        var (ahead, rows) = (_nextIndices, Grow(ref _nextRows, following.Length));
        _next = Task.Run(() => Read(ahead, rows.Span));
    }

    /// <summary>Waits for what is being decoded; nobody wants it any more.</summary>
    public void Dispose()
    {
        if (_next is { } pending)
            Task.WaitAny(pending);
        _next = null;
    }

    private void Read(ReadOnlySpan<int> indices, Span<byte> rows)
    {
        if (crop is null)
            set.Read(indices, rows);
        else
            set.Crop(indices, crop, rows);
    }

    private Memory<byte> Grow(ref byte[] rows, int count)
    {
        var bytes = (long)count * set.ImageSize;
        if (bytes > Array.MaxLength)
            throw new UsageException($"batch: {count} images of {set.Name} are {bytes} bytes, at most {Array.MaxLength} are held at a time: take a smaller batch or smaller images");
        if (rows.Length < bytes)
            rows = new byte[bytes];
        return rows.AsMemory(0, (int)bytes);
    }
}
