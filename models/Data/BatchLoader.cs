using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Models.Data;

/// <summary>Cuts a set into batches of normalised, possibly augmented images.</summary>
/// <remarks>An epoch is a pure function of (seed, epoch): the same numbers give the same batches bit for bit, in any process, and
/// a run can be taken up at any batch. Enumerate one epoch on one thread; several epochs may be enumerated at once.</remarks>
public sealed class BatchLoader
{
    // Keeps these streams apart from those that other parts of a run draw from the same seed.
    private const ulong Purpose = 0x4441_5441UL << 32;
    private const ulong Crops = 0x4352_4F50UL << 32;

    private readonly ImageSet _set;
    private readonly BatchOptions _options;
    private readonly float[] _table;
    private readonly DeviceImages? _onDevice;

    /// <summary>Makes a loader.</summary>
    /// <param name="set">The images.</param>
    /// <param name="normalisation">How bytes become the network's input.</param>
    /// <param name="options">Sizes, order and augmentation; by default batches of 64 in the set's order.</param>
    /// <exception cref="UsageException">Impossible options, a normalisation for another number of channels, or random resized crops of images that are no photos.</exception>
    public BatchLoader(ImageSet set, Normalisation normalisation, BatchOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(normalisation);
        _set = set;
        _options = options ?? new BatchOptions();
        _options.Validate();
        if ((long)Math.Min(_options.BatchSize, set.Count) * set.ImageSize > Array.MaxLength)
            throw new UsageException($"batch size: {_options.BatchSize} images of {set.ImageSize} values are too many for one batch");
        if (_options.Augmentation.ResizedCrop is not null && !set.HasOriginals)
            throw new UsageException($"augmentation: random resized crops are cut from photos in their own size, and {set.Name} has images of {set.Height} x {set.Width} pixels alone: crop from a frame instead (crop padding)");
        _table = normalisation.Table(set.Channels);
        var device = _options.Device ?? Device.Default;
        if (CudaInterop.ContextOf(device) is { } context)
            _onDevice = new DeviceImages(context, device, set, _table);
    }

    /// <summary>The images.</summary>
    public ImageSet Set => _set;

    /// <summary>Batches of an epoch.</summary>
    public int Batches => _options.DropLast
        ? _set.Count / _options.BatchSize
        : (int)(((long)_set.Count + _options.BatchSize - 1) / _options.BatchSize);

    /// <summary>The batches of an epoch. Each is disposed when the next one is asked for, or the loop ends.</summary>
    /// <param name="epoch">The epoch's number, from 0; it matters for shuffling and augmentation.</param>
    /// <param name="firstBatch">Where to start, for a run that is taken up.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative number.</exception>
    public IEnumerable<Batch> Epoch(int epoch = 0, int firstBatch = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        return Enumerate(epoch, firstBatch);
    }

    /// <summary>The order of the images in an epoch: positions in the set, [count].</summary>
    /// <param name="epoch">The epoch's number, from 0.</param>
    public int[] Order(int epoch)
    {
        if (_options.Shuffle)
            return new RandomSource(_options.Seed, Stream(epoch, 0)).Permutation(_set.Count);
        return [.. Enumerable.Range(0, _set.Count)];
    }

    /// <summary>Whether an image is mirrored in an epoch: for callers that keep what they computed from both images.</summary>
    /// <param name="epoch">The epoch's number, from 0.</param>
    /// <param name="index">The image's position in the set.</param>
    public bool IsMirrored(int epoch, int index) => _options.Augmentation.Draw(_options.Seed, Stream(epoch, 1), _set.Id(index)).Mirror;

    private static ulong Stream(int epoch, uint use) => Purpose | ((ulong)epoch << 1) | use;

    private IEnumerable<Batch> Enumerate(int epoch, int firstBatch)
    {
        var order = Order(epoch);
        var values = _onDevice is null ? new float[(long)Math.Min(_options.BatchSize, order.Length) * _set.ImageSize] : [];
        var line = new byte[_set.Width * _set.Channels];
        using var pixels = new BatchPixels(_set, _options.Augmentation.ResizedCrop is { } crop ? new CropDraw(crop, _options.Seed, Crops | (uint)epoch) : null);
        for (var i = firstBatch; i < Batches; i++)
        {
            pixels.Load(Part(order, i), i + 1 < Batches ? Part(order, i + 1) : []);
            using var batch = Load(Part(order, i), pixels, epoch, values, line);
            yield return batch;
        }
    }

    private ReadOnlySpan<int> Part(int[] order, int batch) =>
        order.AsSpan(batch * _options.BatchSize, Math.Min(_options.BatchSize, order.Length - (batch * _options.BatchSize)));

    private Batch Load(ReadOnlySpan<int> indices, BatchPixels pixels, int epoch, float[] values, byte[] line)
    {
        var labels = new int[indices.Length];
        var changes = _onDevice is null ? [] : new ImageChange[indices.Length];
        for (var i = 0; i < indices.Length; i++)
        {
            labels[i] = _set.Label(indices[i]);
            var (mirror, down, right) = _options.Augmentation.Draw(_options.Seed, Stream(epoch, 1), _set.Id(indices[i]));
            if (_onDevice is null)
                Convert(pixels[i], values.AsSpan(i * _set.ImageSize, _set.ImageSize), line, mirror, down, right);
            else
                changes[i] = new ImageChange(i, mirror ? 1 : 0, down, right);
        }

        var images = _onDevice is null
            ? Tensor.From(values.AsSpan(0, indices.Length * _set.ImageSize), (indices.Length, _set.Height, _set.Width, _set.Channels), _options.Device)
            : _onDevice.Load(pixels, changes);
        // The batch owns its tensors, whatever scope the caller is in.
        return new Batch(images.Persist(), Tensor.From(labels, indices.Length, _options.Device).Persist(), indices.ToArray());
    }

    // y[row, x] = table[image[row + down, x' + right]] with x' mirrored; outside of the image lies black, as a pixel, not as 0.
    private void Convert(ReadOnlySpan<byte> image, Span<float> y, Span<byte> line, bool mirror, int down, int right)
    {
        int height = _set.Height, width = _set.Width, channels = _set.Channels;
        if (!mirror && (down | right) == 0)
        {
            Translate(image, y, channels);
            return;
        }

        for (var row = 0; row < height; row++)
        {
            var from = row + down;
            line.Clear();
            if (from >= 0 && from < height)
            {
                int first = Math.Max(0, -right), last = Math.Min(width, width - right);
                if (first < last)
                    image.Slice(((from * width) + first + right) * channels, (last - first) * channels).CopyTo(line[(first * channels)..]);
                if (mirror)
                    Mirror(line, channels);
            }

            Translate(line, y.Slice(row * width * channels, width * channels), channels);
        }
    }

    private static void Mirror(Span<byte> line, int channels)
    {
        line.Reverse();
        // Reversing bytes also reversed the channels of every pixel.
        for (var at = 0; at < line.Length && channels > 1; at += channels)
            line.Slice(at, channels).Reverse();
    }

    private void Translate(ReadOnlySpan<byte> pixels, Span<float> y, int channels)
    {
        if (channels == 3)
        {
            // The common case, without a division per value.
            ReadOnlySpan<float> red = _table.AsSpan(0, 256), green = _table.AsSpan(256, 256), blue = _table.AsSpan(512, 256);
            for (var i = 0; i + 2 < pixels.Length && i + 2 < y.Length; i += 3)
            {
                y[i] = red[pixels[i]];
                y[i + 1] = green[pixels[i + 1]];
                y[i + 2] = blue[pixels[i + 2]];
            }

            return;
        }

        for (var i = 0; i < pixels.Length; i++)
            y[i] = _table[((i % channels) << 8) + pixels[i]];
    }
}
