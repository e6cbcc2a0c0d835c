using System.Globalization;

namespace EscNative.Models.Data;

/// <summary>Images that are stored in one size, in another one: kept where they fit into memory, else resized whenever they are asked for.</summary>
/// <param name="set">The stored images.</param>
/// <param name="options">Size, channels and transform.</param>
internal sealed class ResizedImages(ImageSet set, PhotoOptions options) : PixelStore
{
    private const int Block = 512;

    /// <inheritdoc/>
    public override bool IsInMemory => false;

    private int Size => options.Height * options.Width * options.Channels;

    /// <summary>Both parts of a data set, resized.</summary>
    /// <param name="data">The data.</param>
    /// <param name="options">Size, transform, memory.</param>
    public static (ImageSet Train, ImageSet Test) Of(DataSet data, PhotoOptions options)
    {
        var bytes = ((long)data.Train.Count + data.Test.Count) * options.Height * options.Width * options.Channels;
        var budget = options.MemoryBudget ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
        var kept = bytes <= budget;
        string[] notes =
        [
            $"{data.Name}: {options.Transform.Describe(options.Height, options.Width)} ({options.Transform.Name})",
            .. data.Train.Channels == 3 && options.Channels == 1 ? (string[])[$"{data.Name}: the colours became grey: the network takes one channel"] : [],
            .. kept ? (string[])[] :
            [
                string.Create(CultureInfo.InvariantCulture, $"{data.Name}: the resized images take {bytes / 1e6:0.#} MB, more than the {budget / 1e6:0.#} MB that may be kept: they are resized again in every pass"),
            ],
        ];
        var done = 0;
        return (Set(data.Train, notes), Set(data.Test, []));

        ImageSet Set(ImageSet set, string[] more)
        {
            PixelStore store = new ResizedImages(set, options);
            if (kept)
            {
                var rows = new byte[set.Count][];
                for (var start = 0; start < rows.Length; start += Block)
                {
                    options.Cancel.ThrowIfCancellationRequested();
                    var (first, count) = (start, Math.Min(Block, rows.Length - start));
                    ParallelReads.Run(count, i => rows[first + i] = store.Row(first + i).ToArray());
                    done += count;
                    options.Progress?.Report((double)done / ((long)data.Train.Count + data.Test.Count));
                }

                store = new PixelRows(rows);
            }

            return new ImageSet(set.Name, store, set.Labels(), null, options.Height, options.Width, options.Channels, [.. set.ClassNames], [.. set.Notes, .. more]);
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Row(int id)
    {
        var row = new byte[Size];
        Resize(id, row);
        return row;
    }

    /// <inheritdoc/>
    public override unsafe void Read(ReadOnlySpan<int> ids, Span<byte> rows)
    {
        var size = Size;
        fixed (int* id = ids)
        fixed (byte* to = rows)
        {
            var (wanted, target) = ((nint)id, (nint)to);
            ParallelReads.Run(ids.Length, i => Resize(((int*)wanted)[i], new Span<byte>((byte*)target + ((long)i * size), size)));
        }
    }

    private void Resize(int id, Span<byte> row) =>
        PhotoReader.Fit(new Image(set.Height, set.Width, set.Channels, set.Pixels(id).ToArray()), options, row);
}
